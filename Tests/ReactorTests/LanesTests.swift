import LogicalUnit
import SCSI
import Testing

@testable import Reactor

@Suite("Numbers go around the reactors")
struct LanesTests {
  @Test("and come back as they were", arguments: [1, 2, 4, 16])
  func numbers(count: Int) {
    let lanes = Lanes(count: count)
    #expect(lanes.count == count)
    for number in 0..<200 {
      let (lane, place) = (lanes.lane(of: number), lanes.place(of: number))
      #expect(lane == number % count)
      #expect(lanes.number(place: place, lane: lane) == number)
    }
  }
}

@Suite("What reactors know together of a LUN")
struct SharedUnitsTests {
  private static let blocks = BlockRange(first: LogicalBlockAddress(8), count: 4)

  private let shared = SharedUnits(lanes: Lanes(count: 2), unitCount: 4)

  @Test("A flush is needed for a write of any of them, and covers those before it")
  func flushes() {
    #expect(!shared.hasUnflushed(1))
    shared.wrote(1, lane: 1)
    #expect(shared.hasUnflushed(1) && !shared.hasUnflushed(2))
    let epoch = shared.epoch(1)
    shared.wrote(1, lane: 0)
    shared.flushed(1, upTo: epoch)
    #expect(shared.hasUnflushed(1))
    shared.flushed(1, upTo: shared.epoch(1))
    #expect(!shared.hasUnflushed(1))
    // An older flush that ends late takes nothing back.
    shared.flushed(1, upTo: epoch)
    #expect(!shared.hasUnflushed(1))
  }

  /// The reactors learn one after the other that a place is another unit's.
  @Test("A flush between two resets hides no later write")
  func resetsApart() {
    for _ in 0..<5 { shared.wrote(2, lane: 1) }
    shared.flushed(2, upTo: shared.epoch(2))
    shared.reset(2, generation: 1, lane: 0)
    shared.flushed(2, upTo: shared.epoch(2))
    shared.reset(2, generation: 1, lane: 1)
    for _ in 0..<10 {
      shared.wrote(2, lane: 1)
      #expect(shared.hasUnflushed(2))
    }
  }

  @Test("An owed error is paid once, whoever fsyncs")
  func owedError() {
    shared.oweError(3)
    #expect(!shared.tellFailures(2, since: 0))
    // Two fsyncs under way both tell, one that begins afterwards does not.
    #expect(shared.tellFailures(3, since: 0))
    #expect(shared.tellFailures(3, since: 0))
    #expect(!shared.tellFailures(3, since: shared.failuresTold(3)))
  }

  @Test("One reactor rewrites; it waits for the others' writes, whose next ones come to it")
  func gate() {
    #expect(shared.beginWrite(1, lane: 1) == .granted)
    #expect(shared.beginRewriting(1, lane: 0) == .granted)
    #expect(!shared.isQuiet(1, Self.blocks, for: 0))
    #expect(shared.beginWrite(1, lane: 1) == .belongs(lane: 0))
    #expect(shared.beginRewriting(1, lane: 1) == .belongs(lane: 0))
    #expect(shared.beginRewriting(1, lane: 0) == .granted)
    #expect(shared.beginWrite(1, lane: 0) == .granted)
    #expect(shared.endWrite(1, lane: 0) == nil)
    #expect(shared.endWrite(1, lane: 1) == 0)
    #expect(shared.isQuiet(1, Self.blocks, for: 0))
    #expect(shared.beginWrite(2, lane: 1) == .granted)
    shared.endRewriting(1, lane: 0)
    #expect(shared.beginWrite(1, lane: 1) == .granted)
    #expect(shared.endWrite(1, lane: 1) == nil)
  }

  @Test("E02 blocks of a write that was given up are kept for its unit, from the other reactors")
  func kept() {
    let after = BlockRange(first: LogicalBlockAddress(11), count: 1)
    let behind = BlockRange(first: LogicalBlockAddress(12), count: 9)
    shared.kept.keep(Self.blocks, unit: 1, lane: 0, slot: 5)
    #expect(shared.kept.has(after, unit: 1, besides: 1))
    #expect(!shared.kept.has(after, unit: 1, besides: 0))
    #expect(!shared.kept.has(after, unit: 2, besides: 1))
    #expect(!shared.kept.has(behind, unit: 1, besides: 1))
    #expect(!shared.isQuiet(1, Self.blocks, for: 1) && shared.isQuiet(1, behind, for: 1))
    #expect(shared.beginRewriting(1, lane: 1) == .granted)
    #expect(shared.endKeeping(1, lane: 0, slot: 5) == 1)
    #expect(shared.isQuiet(1, Self.blocks, for: 1))
    shared.endRewriting(1, lane: 1)
  }

  @Test("Alone, a reactor asks nobody")
  func alone() {
    let alone = SharedUnits(lanes: .one, unitCount: 1)
    #expect(alone.beginRewriting(0, lane: 0) == .granted)
    #expect(alone.beginWrite(0, lane: 0) == .granted)
    #expect(alone.isQuiet(0, Self.blocks, for: 0))
    #expect(alone.endWrite(0, lane: 0) == nil)
    alone.endRewriting(0, lane: 0)
  }
}
