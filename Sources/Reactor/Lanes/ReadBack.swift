import LogicalUnit
import SCSI
import Wire

/// Finds out, after a loss and a flush behind it, whether what was written before is there: block
/// by block, by reading, from where the last one was when another loss came (`FoundBlocks`) up to
/// the end, and then from the start up to there.
///
/// A block is there when it has the checksum of a write that may be its last: of those answered
/// before the last one was sent none is. Who reads holds the block's range, so that no write is at
/// the target that the records do not tell of. Arrays are fine here: it happens after a loss only.
struct ReadBack {
  /// What to do next.
  enum Step: Equatable {
    case read(BlockRange)
    /// There was another loss: only what is read behind a new flush tells; or what was read is
    /// newer than the flush, which promised what it has replaced.
    case flushAgain
    /// It is known, or owed as an error.
    case settled
  }

  /// What blocks that were read tell.
  enum Judgement: Equatable {
    case there, lost
    /// There was another loss meanwhile.
    case tooEarly
  }

  /// Where the flush before it was sent, in the unit's positions.
  let flushSentAt: UInt64
  /// Where the oldest command was sent that was at the target then.
  let oldest: UInt64
  /// What is before this block is there, down to where it began.
  private(set) var nextBlock: UInt64
  /// Where it began; once at the end, it goes from the start up to here.
  private var lastBlock: UInt64
  private var isBeyondEnd = false
  private let generation: UInt32
  private let zeroChecksum: UInt32
  private var cursor = UnflushedWrites.Cursor()
  /// By their first blocks, as far as `sortedCount`; then those that came since.
  private var records: [UnflushedWrites.Record] = []
  private var sortedCount = 0

  private struct BlockState {
    /// When the last of its writes was sent.
    var horizon: UInt64 = 0
    var isInDoubt = false
    /// It is, or what has been overwritten since was.
    var wasInDoubt = false
    /// When the first write was answered that may have left what is there.
    var answeredAt = UInt64.max

    var isThere: Bool { answeredAt != .max }
  }

  init(
    _ log: borrowing UnflushedWrites, _ unit: Int, flushSentAt: UInt64, oldest: UInt64,
    blockLength: Int
  ) {
    self.flushSentAt = flushSentAt
    self.oldest = oldest
    generation = log.generation(unit)
    zeroChecksum = CRC32C.ofZeros(blockLength)
    nextBlock = log.found(unit).nextBlock
    lastBlock = nextBlock
    absorb(log, unit)
    sort()
  }

  /// The blocks to be read next, or what to do where there are none.
  ///
  /// - Parameter blockLimit: the most that can be read at once.
  mutating func next(
    _ log: borrowing UnflushedWrites, _ unit: Int, blockLimit: UInt64
  ) -> Step {
    guard isValid(log, unit) else { return log.isInDoubt(unit) ? .flushAgain : .settled }
    let found = log.found(unit)
    if !isBeyondEnd {
      if let blocks = nextDoubt(log, unit, found, nextBlock..<UInt64.max, blockLimit) {
        return .read(blocks)
      }
      log.noteFound(unit, nextBlock..<UInt64.max, flushSentAt: flushSentAt, oldest: oldest)
      isBeyondEnd = true
      nextBlock = 0
    }
    guard let blocks = nextDoubt(log, unit, found, nextBlock..<lastBlock, blockLimit) else {
      return flushSentAt < log.foundAt(unit) ? .flushAgain : .settled
    }
    return .read(blocks)
  }

  /// The first blocks of a range that are in doubt.
  private func nextDoubt(
    _ log: borrowing UnflushedWrites, _ unit: Int, _ found: FoundBlocks, _ range: Range<UInt64>,
    _ blockLimit: UInt64
  ) -> BlockRange? {
    guard !range.isEmpty else { return nil }
    var doubt: Range<UInt64>?
    for index in firstIndex(from: range.lowerBound)..<sortedCount {
      let record = records[index]
      guard record.first < range.upperBound else { break }
      if let doubt, record.first > doubt.upperBound || doubt.count >= blockLimit {
        // What begins here begins no earlier, unless it lies before what is found.
        if record.first >= doubt.lowerBound { break }
      }
      let end = record.first + UInt64(record.blockCount)
      guard log.isInDoubt(record, unit), end > range.lowerBound,
        let blocks = found.firstUnsafe(
          max(record.first, range.lowerBound)..<min(end, range.upperBound),
          answeredAt: record.answeredAt)
      else { continue }
      guard let other = doubt else {
        doubt = blocks
        continue
      }
      if blocks.lowerBound <= other.upperBound, blocks.upperBound >= other.lowerBound {
        doubt =
          min(blocks.lowerBound, other.lowerBound)..<max(blocks.upperBound, other.upperBound)
      } else if blocks.lowerBound < other.lowerBound {
        doubt = blocks
      }
    }
    return doubt.map {
      BlockRange(
        first: LogicalBlockAddress($0.lowerBound), count: min(UInt64($0.count), blockLimit))
    }
  }

  /// Whether nobody has told of these records, or lost something anew, since the flush.
  private func isValid(_ log: borrowing UnflushedWrites, _ unit: Int) -> Bool {
    log.isInDoubt(unit) && log.generation(unit) == generation && log.lostAt(unit) <= flushSentAt
  }

  /// Judges blocks that were read while their range was held; what is there need not be read again.
  ///
  /// - Parameter checksums: one for each block.
  mutating func judge(
    _ log: borrowing UnflushedWrites, _ unit: Int, _ blocks: BlockRange,
    checksums: UnsafePointer<UInt32>
  ) -> Judgement {
    guard isValid(log, unit) else { return .tooEarly }
    absorb(log, unit)
    if records.count - sortedCount > max(4096, sortedCount / 4) { sort() }
    let count = Int(blocks.count)
    var states = [BlockState](repeating: BlockState(), count: count)
    let first = blocks.first.rawValue
    forEachRecord(of: blocks) { record, range in
      for block in range {
        let index = Int(block - first)
        states[index].horizon = max(states[index].horizon, record.sentAt)
        if log.isInDoubt(record, at: block, unit) { states[index].wasInDoubt = true }
      }
    }
    forEachRecord(of: blocks) { record, range in
      for block in range where record.answeredAt > states[Int(block - first)].horizon {
        let index = Int(block - first)
        let expected =
          record.place == UnflushedWrites.Record.zeros
          ? zeroChecksum : log.checksum(record, at: Int(block - record.first))
        if log.isInDoubt(record, at: block, unit) { states[index].isInDoubt = true }
        if unsafe expected == checksums[index] {
          states[index].answeredAt = min(states[index].answeredAt, record.answeredAt)
        }
      }
    }
    guard states.allSatisfy({ !$0.isInDoubt || $0.isThere }) else { return .lost }
    // What was lost and overwritten since is promised by who has overwritten it.
    for state in states where state.wasInDoubt {
      log.noteFound(unit, answeredAt: min(state.answeredAt, log.position(unit)))
    }
    // Between what is read nothing is in doubt.
    log.noteFound(
      unit, nextBlock..<blocks.end.rawValue, flushSentAt: flushSentAt, oldest: oldest)
    nextBlock = blocks.end.rawValue
    return .there
  }

  private mutating func absorb(_ log: borrowing UnflushedWrites, _ unit: Int) {
    let found = log.found(unit)
    while let record = log.next(unit, after: &cursor) {
      if !found.outdates(record) { records.append(record) }
    }
  }

  private mutating func sort() {
    records.sort { $0.first < $1.first }
    sortedCount = records.count
  }

  /// The first record that may reach `block` or what is behind it.
  private func firstIndex(from block: UInt64) -> Int {
    let limit = UnflushedWrites.Record.blockLimit
    var (low, high) = (0, sortedCount)
    while low < high {
      let middle = (low + high) / 2
      if records[middle].first + limit <= block { low = middle + 1 } else { high = middle }
    }
    return low
  }

  /// Gives every record that has some of the blocks, with those.
  private func forEachRecord(
    of blocks: BlockRange, _ body: (UnflushedWrites.Record, Range<UInt64>) -> Void
  ) {
    func give(_ record: UnflushedWrites.Record) {
      let first = max(record.first, blocks.first.rawValue)
      let end = min(record.first + UInt64(record.blockCount), blocks.end.rawValue)
      if first < end { body(record, first..<end) }
    }
    for index in firstIndex(from: blocks.first.rawValue)..<sortedCount {
      guard records[index].first < blocks.end.rawValue else { break }
      give(records[index])
    }
    for index in sortedCount..<records.count { give(records[index]) }
  }
}

extension CRC32C {
  /// The checksum of so many zeros.
  static func ofZeros(_ count: Int) -> UInt32 {
    let zeros = [UInt8](repeating: 0, count: count)
    var checksum = CRC32C()
    unsafe checksum.update(zeros.span.bytes)
    return checksum.value
  }
}
