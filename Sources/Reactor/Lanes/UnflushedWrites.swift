import LinuxIO
import LogicalUnit
import SCSI

/// What was written to units with a volatile cache since their last flush: which blocks, and the
/// CRC32C of each, in the order of the answers.
///
/// A unit's *position* counts its answered writes and its losses. A record says between which
/// positions its command was at the target: who was answered before another was sent has been
/// overwritten by it, others were there at once and either may be what is left. Nothing is looked
/// up and nothing changed when a write is added. Memory is taken once; a unit that finds none left
/// drops what it has and cannot be checked before its next flush. `SharedUnits` holds the lock.
@safe
struct UnflushedWrites: ~Copyable {
  /// The blocks of one command, or some of them.
  struct Record: BitwiseCopyable {
    var first: UInt64
    /// The unit's position when the command was sent the last time, and when it was answered.
    var sentAt: UInt64
    var answeredAt: UInt64
    var blockCount: UInt32
    /// Where its checksums lie, in words of eight bytes; `zeros`: there are none, all are zeros.
    var place: UInt32

    static let zeros = UInt32.max
    /// So that who looks for the records of a block knows how far before it they may begin.
    static let blockLimit: UInt64 = 2048
    static let byteCount = 32

    func has(_ block: UInt64) -> Bool { block >= first && block - first < UInt64(blockCount) }
  }

  /// What a flush has done for those who wait for it.
  enum FlushOutcome: Equatable {
    /// All that was answered before it was sent is on the medium.
    case covered
    /// What was there may have been lost after it was sent.
    case tooEarly
    /// It is to be found out whether what was written before a loss is there.
    case inDoubt
  }

  /// A place in the chain of a unit's records.
  struct Cursor: BitwiseCopyable {
    var chunk = Chunk.none
    var offset = 0
  }

  struct Chunk: BitwiseCopyable {
    static let none = UInt16.max
    var next = Chunk.none
    var usedBytes: UInt16 = 0
    /// When the last of its records was answered.
    var answeredAt: UInt64 = 0
  }

  private struct Unit: BitwiseCopyable {
    var first = Chunk.none
    var last = Chunk.none
    var position: UInt64 = 0
    /// What was answered up to here is on the medium.
    var releasedTo: UInt64 = 0
    /// Records up to here are not needed any more; one behind it may be what is left where a write
    /// was at the target with it and was answered later.
    var keptFrom: UInt64 = 0
    /// Records up to here are missing, where that is not released.
    var droppedTo: UInt64 = 0
    /// The last loss: what was sent before may be gone.
    var lostAt: UInt64 = 0
    /// The last answer that came after a loss to what was sent before it.
    var lateAt: UInt64 = 0
    var isInDoubt = false
    /// Reading back has found what was answered up to here: only a flush sent later has it on the
    /// medium.
    var foundAt: UInt64 = 0
    /// Some slot reads back.
    var isReadBack = false
    /// The generation of the unit whose place it is, plus one.
    var tenant: UInt32 = 0
    /// How often records were freed: who reads back has noted where they were.
    var generation: UInt32 = 0
    var zeroBytes: UInt64 = 0
    /// Chunks it has, and those it has taken since the last flush of our own began.
    var chunkCount = 0
    var chunksSinceFlush = 0
    /// Bytes of zeros since then.
    var zeroBytesSinceFlush: UInt64 = 0
  }

  /// The first property, for `make tsan`, as in `Reactor`.
  private let units: FixedArray<Unit>
  /// A chunk of the memory: a multiple of eight bytes, below 64 KiB.
  private let chunkBytes: Int
  /// Zeros cost no memory but time to read: as many as this are kept in mind for a unit.
  private static let zeroBytesLimit: UInt64 = 256 << 20

  private let pages: PageRegion?
  /// The start of all chunks.
  private let memory: UnsafeMutableRawPointer?
  private let chunks: FixedArray<Chunk>
  private var firstFree = Chunk.none
  private var freeCount: Int
  private let chunkTotal: Int
  private let found: FixedArray<FoundBlocks>

  /// - Parameter byteCount: the memory for all records; pages cost nothing before they are used.
  init(unitCount: Int, byteCount: Int) {
    chunkBytes = max(256, min(16 * 1024, byteCount / 8 & ~7))
    let count = min(byteCount / chunkBytes, Int(Chunk.none))
    chunkTotal = count
    freeCount = count
    if count > 0, let region = PageRegion(byteCount: count * chunkBytes) {
      unsafe memory = region.baseAddress
      pages = consume region
      firstFree = 0
    } else {
      unsafe memory = nil
      pages = nil
    }
    chunks = FixedArray(count: max(1, count)) { index in
      Chunk(next: index + 1 < count ? UInt16(index + 1) : Chunk.none)
    }
    units = FixedArray(count: unitCount) { _ in Unit() }
    found = FixedArray(count: unitCount) { _ in FoundBlocks() }
  }

  func position(_ unit: Int) -> UInt64 { units[unit].position }
  func isInDoubt(_ unit: Int) -> Bool { units[unit].isInDoubt }
  func lostAt(_ unit: Int) -> UInt64 { units[unit].lostAt }
  /// Whether what a record tells of may have been lost, and no flush has covered it.
  func isInDoubt(_ record: Record, _ unit: Int) -> Bool {
    record.sentAt < units[unit].lostAt && record.answeredAt > units[unit].releasedTo
  }
  /// The same of one of its blocks, which may have been read back.
  func isInDoubt(_ record: Record, at block: UInt64, _ unit: Int) -> Bool {
    isInDoubt(record, unit) && record.answeredAt > found[unit].safeTo(block)
  }
  /// What has been read back since there is a doubt.
  func found(_ unit: Int) -> FoundBlocks { found[unit] }
  func generation(_ unit: Int) -> UInt32 { units[unit].generation }
  func foundAt(_ unit: Int) -> UInt64 { units[unit].foundAt }

  // MARK: - Writes

  /// A command was answered GOOD. Returns true where a loss before cannot be found out about any
  /// more.
  ///
  /// - Parameters:
  ///   - checksums: one for each block; nil: all are zeros.
  ///   - sentAt: the unit's position when the command was sent.
  mutating func append(
    _ unit: Int, _ blocks: BlockRange, checksums: UnsafePointer<UInt32>?, blockShift: UInt8,
    sentAt: UInt64
  ) -> Bool {
    units[unit].position += 1
    if sentAt < units[unit].lostAt {
      // It was at the target when that happened; if it was asked about already, once more.
      units[unit].isInDoubt = true
      units[unit].lateAt = units[unit].position
    }
    if unsafe checksums == nil {
      let (bytes, overflow) = blocks.count.multipliedReportingOverflow(by: 1 << UInt64(blockShift))
      let (sum, sumOverflow) = units[unit].zeroBytes.addingReportingOverflow(bytes)
      guard !overflow, !sumOverflow, sum <= Self.zeroBytesLimit else { return drop(unit) }
      units[unit].zeroBytes = sum
      units[unit].zeroBytesSinceFlush += bytes
    }
    var done: UInt64 = 0
    while done < blocks.count {
      guard let place = room(unit) else { return drop(unit) }
      var record = Record(
        first: blocks.first.rawValue + done, sentAt: sentAt, answeredAt: units[unit].position,
        blockCount: UInt32(min(blocks.count - done, Record.blockLimit)), place: Record.zeros)
      unsafe store(&record, checksums.map { unsafe $0 + Int(done) }, at: place)
      done += UInt64(record.blockCount)
    }
    return false
  }

  /// Where the unit's next record goes; nil when no memory is left.
  private mutating func room(_ unit: Int) -> Cursor? {
    let last = units[unit].last
    if last != Chunk.none {
      let used = Int(chunks[Int(last)].usedBytes)
      if used + Record.byteCount + 8 <= chunkBytes { return Cursor(chunk: last, offset: used) }
    }
    if firstFree == Chunk.none { free(unit, upTo: units[unit].releasedTo) }
    guard units[unit].last == last else { return room(unit) }
    let fresh = firstFree
    guard fresh != Chunk.none else { return nil }
    firstFree = chunks[Int(fresh)].next
    freeCount -= 1
    units[unit].chunkCount += 1
    units[unit].chunksSinceFlush += 1
    chunks[Int(fresh)] = Chunk()
    if last == Chunk.none {
      units[unit].first = fresh
    } else {
      chunks[Int(last)].next = fresh
    }
    units[unit].last = fresh
    return Cursor(chunk: fresh)
  }

  /// Lays down a record with as many of its blocks' checksums as the chunk has room for.
  private mutating func store(
    _ record: inout Record, _ checksums: UnsafePointer<UInt32>?, at place: Cursor
  ) {
    let start = Int(place.chunk) * chunkBytes + place.offset
    var byteCount = Record.byteCount
    let memory = unsafe base + start
    if let checksums = unsafe checksums {
      record.blockCount = min(
        record.blockCount, UInt32(chunkBytes - place.offset - Record.byteCount) / 4)
      record.place = UInt32((start + Record.byteCount) / 8)
      let length = Int(record.blockCount) * 4
      // SAFETY: the count was cut to what the chunk has room for.
      unsafe (memory + Record.byteCount).copyMemory(from: checksums, byteCount: length)
      byteCount += (length + 7) & ~7
    }
    // SAFETY: `room` has seen to it that a record fits; offsets are multiples of eight.
    unsafe memory.storeBytes(of: record, as: Record.self)
    chunks[Int(place.chunk)].usedBytes = UInt16(place.offset + byteCount)
    chunks[Int(place.chunk)].answeredAt = record.answeredAt
  }

  /// The same, for who has a chunk.
  private var base: UnsafeMutableRawPointer {
    guard let memory = unsafe memory else { preconditionFailure("a chunk has memory") }
    return unsafe memory
  }

  /// Forgets all records of a unit: until its next flush nothing can be found out.
  private mutating func drop(_ unit: Int) -> Bool {
    free(unit, upTo: .max)
    units[unit].keptFrom = units[unit].position
    units[unit].droppedTo = units[unit].position
    found[unit] = FoundBlocks()
    defer { units[unit].isInDoubt = false }
    return units[unit].isInDoubt
  }

  // MARK: - Flushes and losses

  /// Whether a unit has so much that a flush is wanted before there is no room: a quarter of the
  /// memory where it is alone, less where others have some, or a quarter of the zeros it may have;
  /// and as much again since the last one began, which may not have freed what a slow write keeps.
  func wantsFlush(_ unit: Int) -> Bool {
    let chunkLimit = max(chunkTotal / 32, freeCount / 3, 1)
    if units[unit].chunkCount >= chunkLimit, units[unit].chunksSinceFlush >= chunkLimit {
      return true
    }
    // Nothing can be found out before the next flush: soon, and not with every write.
    if units[unit].droppedTo > units[unit].releasedTo,
      units[unit].chunksSinceFlush >= max(chunkTotal / 32, 1)
    {
      return true
    }
    let zeroLimit = Self.zeroBytesLimit / 4
    return units[unit].zeroBytes >= zeroLimit && units[unit].zeroBytesSinceFlush >= zeroLimit
  }

  mutating func noteFlushBegun(_ unit: Int) {
    units[unit].chunksSinceFlush = 0
    units[unit].zeroBytesSinceFlush = 0
  }

  /// A flush sent at this position has succeeded.
  ///
  /// - Parameter oldest: where the oldest command was sent that was at the target then.
  mutating func flushed(_ unit: Int, sentAt: UInt64, oldest: UInt64) -> FlushOutcome {
    guard !units[unit].isInDoubt else {
      return sentAt < units[unit].lostAt ? .tooEarly : .inDoubt
    }
    release(unit, upTo: sentAt, oldest: oldest)
    return .covered
  }

  /// What was answered so far may be lost. Returns true where nobody can find out.
  mutating func doubt(_ unit: Int) -> Bool {
    units[unit].position += 1
    units[unit].lostAt = units[unit].position
    units[unit].isInDoubt = units[unit].droppedTo <= units[unit].releasedTo
    return !units[unit].isInDoubt
  }

  /// What was answered before a flush sent at this position is there, or will be told to be lost.
  ///
  /// - Parameter isTold: so will be what came since.
  mutating func settle(_ unit: Int, flushSentAt: UInt64, oldest: UInt64, isTold: Bool) {
    units[unit].isInDoubt = !isTold && units[unit].lateAt > flushSentAt
    found[unit] = FoundBlocks()
    release(unit, upTo: flushSentAt, oldest: oldest)
  }

  /// The place is this unit's from now on; every reactor says so, the first one counts.
  mutating func reset(_ unit: Int, generation: UInt16) {
    guard units[unit].tenant != UInt32(generation) + 1 else { return }
    units[unit].tenant = UInt32(generation) + 1
    _ = drop(unit)
    units[unit].releasedTo = units[unit].position
  }

  /// The unit's blocks are counted otherwise from now on. Returns true as `append` does.
  mutating func forget(_ unit: Int) -> Bool { drop(unit) }

  private mutating func release(_ unit: Int, upTo position: UInt64, oldest: UInt64) {
    units[unit].releasedTo = max(units[unit].releasedTo, position)
    units[unit].keptFrom = max(units[unit].keptFrom, min(oldest, position))
    free(unit, upTo: units[unit].keptFrom)
  }

  /// Frees chunks from the oldest on, all whose records were answered up to a position.
  private mutating func free(_ unit: Int, upTo position: UInt64) {
    units[unit].generation &+= 1
    while units[unit].first != Chunk.none {
      let chunk = Int(units[unit].first)
      guard chunks[chunk].answeredAt <= position else { return }
      units[unit].first = chunks[chunk].next
      chunks[chunk].next = firstFree
      firstFree = UInt16(chunk)
      freeCount += 1
      units[unit].chunkCount -= 1
    }
    units[unit].last = Chunk.none
    units[unit].zeroBytes = 0
  }

  // MARK: - Reading back

  /// Makes the caller the one who reads back; false where somebody does already.
  mutating func beginReadBack(_ unit: Int) -> Bool {
    guard !units[unit].isReadBack else { return false }
    units[unit].isReadBack = true
    return true
  }

  mutating func endReadBack(_ unit: Int) { units[unit].isReadBack = false }

  /// These blocks have what they should: what was answered before the flush is on the medium.
  func noteFound(
    _ unit: Int, _ blocks: Range<UInt64>, flushSentAt: UInt64, oldest: UInt64
  ) {
    found[unit].note(blocks, safeTo: flushSentAt, keptFrom: min(oldest, flushSentAt))
  }

  /// A block has what a write answered then has left in it.
  func noteFound(_ unit: Int, answeredAt position: UInt64) {
    units[unit].foundAt = max(units[unit].foundAt, position)
  }

  /// The next record behind `cursor` that is needed still, oldest first.
  func next(_ unit: Int, after cursor: inout Cursor) -> Record? {
    if cursor.chunk == Chunk.none { cursor = Cursor(chunk: units[unit].first) }
    while cursor.chunk != Chunk.none {
      let chunk = chunks[Int(cursor.chunk)]
      while cursor.offset < Int(chunk.usedBytes) {
        // SAFETY: `store` has laid a record there.
        let record = unsafe (base + Int(cursor.chunk) * chunkBytes + cursor.offset)
          .load(as: Record.self)
        let checksums = record.place == Record.zeros ? 0 : Int(record.blockCount) * 4
        cursor.offset += Record.byteCount + (checksums + 7) & ~7
        if record.answeredAt > units[unit].keptFrom { return record }
      }
      guard chunk.next != Chunk.none else { return nil }
      cursor = Cursor(chunk: chunk.next)
    }
    return nil
  }

  /// The checksum of a record's block.
  func checksum(_ record: Record, at index: Int) -> UInt32 {
    // SAFETY: the record's checksums lie there while the unit is in doubt.
    unsafe (base + Int(record.place) * 8 + index * 4).load(as: UInt32.self)
  }

  /// Whether a block that was read has what it should, as far as that is in doubt: who lays new
  /// bytes over some of it takes the proof away. Looks at every record.
  ///
  /// - Parameter zeros: the checksum of a block of zeros.
  func isThere(_ unit: Int, block: UInt64, checksum: UInt32, zeros: UInt32) -> Bool {
    guard units[unit].isInDoubt else { return true }
    var (cursor, horizon) = (Cursor(), UInt64(0))
    while let record = next(unit, after: &cursor) {
      if record.has(block) { horizon = max(horizon, record.sentAt) }
    }
    var (isInDoubt, isThere) = (false, false)
    cursor = Cursor()
    while let record = next(unit, after: &cursor) {
      guard record.has(block), record.answeredAt > horizon else { continue }
      if self.isInDoubt(record, at: block, unit) { isInDoubt = true }
      let expected =
        record.place == Record.zeros
        ? zeros : self.checksum(record, at: Int(block - record.first))
      if expected == checksum { isThere = true }
    }
    return !isInDoubt || isThere
  }
}
