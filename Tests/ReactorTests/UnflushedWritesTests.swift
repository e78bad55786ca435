import LogicalUnit
import SCSI
import Testing

@testable import Reactor

/// A target with one block number a checksum, and a few commands at it at once.
private struct ModelledUnit {
  struct Command {
    var first: Int
    var values: [UInt32]
    var sentAt: UInt64
    var isDone = false
  }

  static let blockCount = 40
  let shared: SharedUnits
  var blocks = [UInt32](repeating: 0, count: blockCount)
  /// Blocks some write since the last flush was answered for.
  var unflushed: Set<Int> = []
  var commands: [Command] = []
  var nextValue: UInt32 = 1
  var random: SplitMix

  mutating func send() {
    let count = Int.random(in: 1...5, using: &random)
    let first = Int.random(in: 0...Self.blockCount - count, using: &random)
    let values = (0..<count).map { nextValue + UInt32($0) }
    nextValue += UInt32(count)
    commands.append(Command(first: first, values: values, sentAt: shared.position(0)))
  }

  /// The target works on a command; the answer comes later.
  mutating func execute(_ index: Int) {
    guard !commands[index].isDone else { return }
    commands[index].isDone = true
    for (offset, value) in commands[index].values.enumerated() {
      blocks[commands[index].first + offset] = value
    }
  }

  mutating func answer(_ index: Int) {
    execute(index)
    let command = commands.remove(at: index)
    unsafe command.values.withUnsafeBufferPointer { values in
      _ = unsafe shared.remember(
        0,
        BlockRange(
          first: LogicalBlockAddress(UInt64(command.first)), count: UInt64(values.count)),
        checksums: values.baseAddress, blockShift: 9, sentAt: command.sentAt)
    }
    unflushed.formUnion(command.first..<command.first + command.values.count)
  }

  /// Reads back as an fsync does, at most `limit` blocks at once.
  func readBack(limit: UInt64) throws -> Bool {
    let position = shared.position(0)
    #expect(shared.flushed(0, upTo: 0, sentAt: position) == .inDoubt)
    var readBack = try #require(
      shared.beginReadBack(0, flushSentAt: position, blockLength: 512))
    #expect(shared.beginReadBack(0, flushSentAt: position, blockLength: 512) == nil)
    defer { shared.endReadBack(0) }
    var last: UInt64 = 0
    while case .read(let range) = shared.nextStep(&readBack, 0, upTo: 0, blockLimit: limit) {
      #expect(range.first.rawValue >= last && range.count <= limit)
      last = range.end.rawValue
      let found = Array(blocks[Int(range.first.rawValue)..<Int(range.end.rawValue)])
      let judgement = unsafe found.withUnsafeBufferPointer { found in
        guard let checksums = found.baseAddress else { return ReadBack.Judgement.there }
        return unsafe shared.judge(&readBack, 0, range, checksums: checksums)
      }
      if judgement != .there { return false }
    }
    return true
  }
}

struct SplitMix: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var value = state
    value = (value ^ value >> 30) &* 0xBF58_476D_1CE4_E5B9
    value = (value ^ value >> 27) &* 0x94D0_49BB_1331_11EB
    return value ^ value >> 31
  }
}

@Suite("What is remembered of writes that are not flushed")
struct UnflushedWritesTests {
  private func write(_ shared: SharedUnits, _ block: UInt64, unit: Int = 0) {
    var checksum = UInt32(truncatingIfNeeded: block)
    _ = unsafe shared.remember(
      unit, BlockRange(first: LogicalBlockAddress(block), count: 1), checksums: &checksum,
      blockShift: 9, sentAt: shared.position(unit))
  }

  @Test("E29: a block that is not there is found, and none that is", arguments: UInt64(1)...300)
  func model(seed: UInt64) throws {
    let shared = SharedUnits(lanes: .one, unitCount: 1, unflushedBytes: 1 << 16)
    var unit = ModelledUnit(shared: shared, random: SplitMix(state: seed))
    for _ in 0..<Int.random(in: 5...120, using: &unit.random) {
      let count = unit.commands.count
      switch Int.random(in: 0..<10, using: &unit.random) {
      case 0..<4: unit.send()
      case 4..<6 where count > 0: unit.execute(Int.random(in: 0..<count, using: &unit.random))
      case 6..<9 where count > 0: unit.answer(Int.random(in: 0..<count, using: &unit.random))
      case 9:
        // What is at the target now may be answered after those it has overtaken.
        _ = shared.flushed(
          0, upTo: 0, sentAt: shared.position(0),
          oldest: unit.commands.map(\.sentAt).min() ?? .max)
        unit.unflushed = []
      default: break
      }
    }
    // What is at the target still ends before anybody reads.
    while !unit.commands.isEmpty { unit.answer(unit.commands.count - 1) }
    shared.doubt(0)
    let limit = UInt64.random(in: 1...64, using: &unit.random)
    var broken = unit
    let block = Int.random(in: 0..<ModelledUnit.blockCount, using: &unit.random)
    broken.blocks[block] = 0xFFFF_FFFF
    #expect(try broken.readBack(limit: limit) == !unit.unflushed.contains(block))
    guard unit.unflushed.contains(block) else { return }
    #expect(shared.failures(0) == 1)
    // Nobody has settled it: the whole truth is found as well.
    #expect(try unit.readBack(limit: limit))
    #expect(shared.flushed(0, upTo: 0, sentAt: shared.position(0)) == .covered)
  }

  @Test("E29: where no memory is left a loss is an error, until the next flush")
  func overflow() throws {
    // Eight chunks of 256 bytes, six records each.
    let shared = SharedUnits(lanes: .one, unitCount: 2, unflushedBytes: 2048)
    for block in 0..<48 { write(shared, UInt64(block)) }
    shared.doubt(0)
    #expect(shared.failures(0) == 0)
    write(shared, 48)
    #expect(shared.failures(0) == 1)
    shared.doubt(0)
    #expect(shared.failures(0) == 2)
    #expect(shared.flushed(0, upTo: 0, sentAt: shared.position(0)) == .covered)
    write(shared, 1)
    shared.doubt(0)
    #expect(shared.failures(0) == 2)
    #expect(shared.flushed(0, upTo: 0, sentAt: shared.position(0)) == .inDoubt)
    #expect(shared.failures(1) == 0)
  }

  @Test("Flushes give memory back, to other units too")
  func release() {
    let shared = SharedUnits(lanes: .one, unitCount: 2, unflushedBytes: 2048)
    for round in 0..<1_000 {
      for block in 0..<40 { write(shared, UInt64(block), unit: round % 2) }
      let position = shared.position(round % 2)
      #expect(shared.flushed(round % 2, upTo: 0, sentAt: position) == .covered)
    }
    for unit in 0..<2 {
      write(shared, 0, unit: unit)
      shared.doubt(unit)
      #expect(shared.failures(unit) == 0)
    }
  }

  @Test("E29: long ranges of zeros are remembered up to 256 MiB, then an error")
  func zeros() throws {
    let shared = SharedUnits(lanes: .one, unitCount: 1, unflushedBytes: 1 << 16)
    let blocks = BlockRange(first: LogicalBlockAddress(0), count: 1 << 19)
    _ = unsafe shared.remember(0, blocks, checksums: nil, blockShift: 9, sentAt: 0)
    shared.doubt(0)
    #expect(shared.failures(0) == 0)
    var readBack = try #require(
      shared.beginReadBack(0, flushSentAt: shared.position(0), blockLength: 512))
    let step = shared.nextStep(&readBack, 0, upTo: 0, blockLimit: 2048)
    #expect(step == .read(BlockRange(first: LogicalBlockAddress(0), count: 2048)))
    _ = unsafe shared.remember(0, blocks, checksums: nil, blockShift: 9, sentAt: shared.position(0))
    #expect(shared.failures(0) == 1)
  }

  @Test("Another unit in the same place has nothing of the old one's")
  func reset() {
    let shared = SharedUnits(lanes: Lanes(count: 2), unitCount: 1)
    shared.reset(0, generation: 4, lane: 0)
    write(shared, 1)
    shared.doubt(0)
    shared.reset(0, generation: 5, lane: 1)
    #expect(shared.flushed(0, upTo: 0, sentAt: shared.position(0)) == .covered)
    write(shared, 1)
    // The second reactor to say so takes nothing away.
    shared.reset(0, generation: 5, lane: 0)
    shared.doubt(0)
    #expect(shared.flushed(0, upTo: 0, sentAt: shared.position(0)) == .inDoubt)
    #expect(shared.failures(0) == 0)
  }

  @Test("E29: an answer after a loss to what was sent before it is asked about as well")
  func late() {
    let shared = SharedUnits(lanes: Lanes(count: 2), unitCount: 1)
    write(shared, 1)
    let sentAt = shared.position(0)
    shared.doubt(0)
    shared.settle(0, upTo: 0, flushSentAt: shared.position(0))
    var checksum: UInt32 = 9
    _ = unsafe shared.remember(
      0, BlockRange(first: LogicalBlockAddress(3), count: 1), checksums: &checksum, blockShift: 9,
      sentAt: sentAt)
    #expect(shared.flushed(0, upTo: 0, sentAt: shared.position(0)) == .inDoubt)
  }
}
