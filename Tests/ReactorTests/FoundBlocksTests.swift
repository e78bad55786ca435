import LogicalUnit
import SCSI
import Testing

@testable import Reactor

/// A disk with a volatile cache that loses some of it again and again, while one fsync reads back
/// and writes go on.
private struct LossyDisk {
  struct Write {
    var value: UInt32
    var sentAt: UInt64
    /// When it was answered; nil: it is at the target.
    var answeredAt: UInt64?
    var isDone = false
  }

  static let blockCount = 12
  let shared = SharedUnits(lanes: .one, unitCount: 1, unflushedBytes: 1 << 18)
  /// All there ever were, by block.
  var writes = [[Write]](repeating: [], count: blockCount)
  var cache = [UInt32](repeating: 0, count: blockCount)
  var medium = [UInt32](repeating: 0, count: blockCount)
  var nextValue: UInt32 = 1
  var random: SplitMix

  var oldest: UInt64 {
    writes.joined().filter { $0.answeredAt == nil }.map(\.sentAt).min() ?? .max
  }

  func underWay(_ block: Int) -> [Int] {
    writes[block].indices.filter { writes[block][$0].answeredAt == nil }
  }

  mutating func send(_ block: Int) {
    writes[block].append(Write(value: nextValue, sentAt: shared.position(0)))
    nextValue += 1
  }

  mutating func execute(_ block: Int, _ index: Int) {
    guard !writes[block][index].isDone else { return }
    writes[block][index].isDone = true
    cache[block] = writes[block][index].value
  }

  mutating func answer(_ block: Int, _ index: Int) {
    execute(block, index)
    var value = writes[block][index].value
    _ = unsafe shared.remember(
      0, BlockRange(first: LogicalBlockAddress(UInt64(block)), count: 1), checksums: &value,
      blockShift: 9, sentAt: writes[block][index].sentAt)
    writes[block][index].answeredAt = shared.position(0)
  }

  /// A connection is lost; what was at the target is sent again, and where the power went blocks
  /// come back as they were on the medium.
  mutating func lose(power: Bool) {
    for block in 0..<Self.blockCount where power && Bool.random(using: &random) {
      cache[block] = medium[block]
    }
    shared.doubt(0)
    for block in 0..<Self.blockCount {
      for index in underWay(block) {
        writes[block][index].isDone = false
        writes[block][index].sentAt = shared.position(0)
      }
    }
  }

  /// Whether a block may have this value: no write answered before another was sent is left.
  func isRight(_ block: Int, _ value: UInt32) -> Bool {
    let answered = writes[block].filter { $0.answeredAt != nil }
    guard let horizon = answered.map(\.sentAt).max() else { return true }
    return answered.contains { $0.value == value && ($0.answeredAt ?? 0) > horizon }
  }

  /// One thing that goes on beside an fsync.
  mutating func step(_ losses: Int) {
    let block = Int.random(in: 0..<Self.blockCount, using: &random)
    let index = underWay(block).randomElement(using: &random)
    switch (Int.random(in: 0..<100, using: &random), index) {
    case (0..<35, _): send(block)
    case (35..<60, let index?): execute(block, index)
    case (60..<100 - losses, let index?): answer(block, index)
    case (100 - losses..<100, _): lose(power: Bool.random(using: &random))
    default: break
    }
  }
}

@Suite("What has been read back")
struct FoundBlocksTests {
  /// Returns whether the fsync found a loss; nil: it gave up among losses.
  private func fsync(_ disk: inout LossyDisk, losses: Int) throws -> Bool? {
    for _ in 0..<200 {
      let (sentAt, oldest) = (disk.shared.position(0), disk.oldest)
      for _ in 0..<2 { disk.step(losses) }
      disk.medium = disk.cache
      let outcome = disk.shared.flushed(0, upTo: 0, sentAt: sentAt, oldest: oldest)
      if outcome == .covered { return false }
      guard outcome == .inDoubt else { continue }
      var readBack = try #require(
        disk.shared.beginReadBack(0, flushSentAt: sentAt, oldest: oldest, blockLength: 512))
      defer { disk.shared.endReadBack(0) }
      while case .read(let range) = disk.shared.nextStep(
        &readBack, 0, upTo: 0, blockLimit: 3)
      {
        if Int.random(in: 0..<3, using: &disk.random) == 0 { disk.step(losses) }
        // The range is held: what is at the target there ends first.
        let blocks = Int(range.first.rawValue)..<Int(range.end.rawValue)
        for block in blocks {
          for index in disk.underWay(block) { disk.answer(block, index) }
        }
        let found = Array(disk.cache[blocks])
        let judgement = unsafe found.withUnsafeBufferPointer { found in
          guard let base = found.baseAddress else { return ReadBack.Judgement.lost }
          return unsafe disk.shared.judge(&readBack, 0, range, checksums: base)
        }
        let isWrong = blocks.contains { !disk.isRight($0, disk.cache[$0]) }
        #expect(judgement != .lost || isWrong, "a false error")
        if judgement == .lost {
          disk.shared.settle(0, upTo: 0, flushSentAt: sentAt, oldest: oldest)
          return true
        }
      }
      // Else it flushes again.
      if disk.shared.flushed(0, upTo: 0, sentAt: sentAt, oldest: oldest) == .covered {
        return false
      }
    }
    return nil
  }

  @Test(
    "E29, P1, P4: among many losses nothing lost is called there, nothing there is called lost",
    arguments: UInt64(1)...400)
  func model(seed: UInt64) throws {
    var disk = LossyDisk(random: SplitMix(state: seed))
    let losses = Int.random(in: 1...15, using: &disk.random)
    for _ in 0..<20 {
      for _ in 0..<Int.random(in: 0...20, using: &disk.random) { disk.step(losses) }
      let begin = disk.shared.position(0)
      let isLost = try fsync(&disk, losses: losses)
      guard isLost == false else {
        // Told, or not known: begin with another disk.
        if isLost == true { return }
        continue
      }
      for block in 0..<LossyDisk.blockCount
      where disk.writes[block].allSatisfy({ ($0.answeredAt ?? .max) <= begin }) {
        let isThere =
          disk.isRight(block, disk.medium[block]) && disk.isRight(block, disk.cache[block])
        #expect(isThere, "block \(block)")
      }
    }
  }

  @Test("Stretches tell of each block what the last flush behind a READ of it covered")
  func stretches() {
    var random = SplitMix(state: 7)
    for _ in 0..<200 {
      var (found, plain) = (FoundBlocks(), [UInt64](repeating: 0, count: 100))
      for position in 1...40 as ClosedRange<UInt64> {
        let first = UInt64.random(in: 0..<100, using: &random)
        let end = UInt64.random(in: first...100, using: &random)
        found.note(first..<(end == 100 ? .max : end), safeTo: position, keptFrom: position)
        for block in first..<end { plain[Int(block)] = position }
        #expect((0..<100).allSatisfy { found.safeTo($0) == plain[Int($0)] })
        let answeredAt = UInt64.random(in: 1...position + 1, using: &random)
        let unsafe = (first..<100).prefix { plain[Int($0)] >= answeredAt }.count
        let begin = first + UInt64(unsafe)
        let count = (begin..<100).prefix { plain[Int($0)] < answeredAt }.count
        #expect(
          found.firstUnsafe(first..<100, answeredAt: answeredAt)
            == (begin == 100 ? nil : begin..<begin + UInt64(count)))
      }
    }
  }
}
