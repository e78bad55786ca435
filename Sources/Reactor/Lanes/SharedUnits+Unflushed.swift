import LogicalUnit
import Synchronization
import Wire

/// What was written behind a volatile cache since the last flush, for the fsync after a loss.
///
/// Here is the one lock of the data path, as two reactors may write one LUN and the order between
/// their records counts. It is taken for a copy of a few checksums, and only where a unit has a
/// volatile cache (decision 013).
extension SharedUnits {
  /// The unit's writes and losses so far: what is sent from now on comes after them.
  func position(_ unit: Int) -> UInt64 {
    units[unit].position.load(ordering: .sequentiallyConsistent)
  }

  /// A command was answered GOOD. Returns true where so much is remembered that a flush is wanted.
  ///
  /// - Parameters:
  ///   - checksums: the CRC32C of each of the blocks; nil: all are zeros.
  ///   - sentAt: `position` before it was sent.
  func remember(
    _ unit: Int, _ blocks: BlockRange, checksums: UnsafePointer<UInt32>?, blockShift: UInt8,
    sentAt: UInt64
  ) -> Bool {
    // A pointer may not go into the closure, its number may.
    let address = UInt(bitPattern: checksums)
    let (isLost, wantsFlush) = unflushed.withLock { log in
      let isLost = unsafe log.append(
        unit, blocks, checksums: UnsafePointer(bitPattern: address), blockShift: blockShift,
        sentAt: sentAt)
      publish(log, unit)
      return (isLost, log.wantsFlush(unit))
    }
    if isLost { oweError(unit) }
    return wantsFlush
  }

  /// Makes the caller the one who flushes a unit unasked; false where somebody does already.
  func beginFlush(_ unit: Int) -> Bool {
    guard !units[unit].isBeingFlushed.exchange(true, ordering: .acquiringAndReleasing) else {
      return false
    }
    unflushed.withLock { log in log.noteFlushBegun(unit) }
    return true
  }

  /// The same has ended.
  func endFlush(_ unit: Int) {
    units[unit].isBeingFlushed.store(false, ordering: .releasing)
  }

  // MARK: - Writes at the target

  /// A slot's write is about to be sent; returns the position it is sent at.
  ///
  /// Others see that it is under way before it can be overtaken: it is noted before the position is
  /// read that counts, and who flushes reads the position before it looks.
  func noteSent(_ unit: Int, lane: Int, slot: Int) -> UInt64 {
    guard lanes.count > 1 else { return position(unit) }
    sent[lane][slot].store(
      units[unit].position.load(ordering: .relaxed) << 16 | UInt64(unit),
      ordering: .sequentiallyConsistent)
    return units[unit].position.load(ordering: .sequentiallyConsistent)
  }

  /// A slot has no write at the target any more.
  func noteOver(lane: Int, slot: Int) {
    guard lanes.count > 1 else { return }
    sent[lane][slot].store(.max, ordering: .releasing)
  }

  /// Where the oldest write of the other reactors' was sent that may be at the target.
  func oldestSent(_ unit: Int, besides lane: Int) -> UInt64 {
    var oldest = UInt64.max
    for other in 0..<lanes.count where other != lane && lanes.count > 1 {
      for slot in 0..<sent[other].count {
        let word = sent[other][slot].load(ordering: .sequentiallyConsistent)
        if word != .max, word & 0xFFFF == UInt64(unit) { oldest = min(oldest, word >> 16) }
      }
    }
    return oldest
  }

  /// What was answered and not flushed may be lost: the next fsync finds out, or tells an error
  /// where nobody can.
  func doubt(_ unit: Int) {
    let isLost = unflushed.withLock { log in
      let isLost = log.doubt(unit)
      publish(log, unit)
      return isLost
    }
    if isLost {
      oweError(unit)
    } else {
      units[unit].incidents.add(1, ordering: .acquiringAndReleasing)
    }
  }

  /// The unit's blocks are counted otherwise from now on.
  func forgetUnflushed(_ unit: Int) {
    if unflushed.withLock({ log in log.forget(unit) }) { oweError(unit) }
  }

  private func publish(_ log: borrowing UnflushedWrites, _ unit: Int) {
    units[unit].position.store(log.position(unit), ordering: .releasing)
  }

  /// A flush has succeeded.
  ///
  /// - Parameters:
  ///   - epoch: `epoch` before it was sent.
  ///   - sentAt: `position` before it was sent.
  ///   - oldest: that of the oldest command that was at the target then, where there was one.
  func flushed(
    _ unit: Int, upTo epoch: UInt64, sentAt: UInt64, oldest: UInt64 = .max
  ) -> UnflushedWrites.FlushOutcome {
    let outcome = unflushed.withLock { log in
      log.flushed(unit, sentAt: sentAt, oldest: oldest)
    }
    if outcome == .covered { flushed(unit, upTo: epoch) }
    return outcome
  }

  /// What was answered before a flush is told to be lost: nothing is left to be found out.
  func settle(
    _ unit: Int, upTo epoch: UInt64, flushSentAt: UInt64, oldest: UInt64 = .max
  ) {
    unflushed.withLock { log in
      log.settle(unit, flushSentAt: flushSentAt, oldest: oldest, isTold: true)
    }
    flushed(unit, upTo: epoch)
  }

  /// A block was read while its range was held, and some of it will be written: what it should have
  /// and has not is lost, and owed.
  func judge(_ unit: Int, block: UInt64, checksum: UInt32, blockLength: Int) {
    let isThere = unflushed.withLock { log in
      !log.isInDoubt(unit)
        || log.isThere(
          unit, block: block, checksum: checksum, zeros: CRC32C.ofZeros(blockLength))
    }
    if !isThere { oweError(unit) }
  }

  // MARK: - Reading back

  /// Begins to find out what is left; nil while somebody else does.
  func beginReadBack(
    _ unit: Int, flushSentAt: UInt64, oldest: UInt64 = .max, blockLength: Int
  ) -> ReadBack? {
    unflushed.withLock { log in
      guard log.beginReadBack(unit) else { return nil }
      return ReadBack(
        log, unit, flushSentAt: flushSentAt, oldest: oldest, blockLength: blockLength)
    }
  }

  /// Who began is done, or has given up.
  func endReadBack(_ unit: Int) {
    unflushed.withLock { log in log.endReadBack(unit) }
  }

  /// What comes next. Where all is known the writes up to `epoch` are flushed.
  func nextStep(
    _ readBack: inout ReadBack, _ unit: Int, upTo epoch: UInt64, blockLimit: UInt64
  ) -> ReadBack.Step {
    let step = unflushed.withLock { log in
      let step = readBack.next(log, unit, blockLimit: blockLimit)
      if step == .settled {
        log.settle(
          unit, flushSentAt: readBack.flushSentAt, oldest: readBack.oldest, isTold: false)
      }
      return step
    }
    if step == .settled { flushed(unit, upTo: epoch) }
    return step
  }

  /// Judges blocks that were read; something that is lost is owed then.
  func judge(
    _ readBack: inout ReadBack, _ unit: Int, _ blocks: BlockRange,
    checksums: UnsafePointer<UInt32>
  ) -> ReadBack.Judgement {
    let address = UInt(bitPattern: checksums)
    let judgement = unflushed.withLock { log in
      guard let checksums = unsafe UnsafePointer<UInt32>(bitPattern: address) else {
        return ReadBack.Judgement.lost
      }
      return unsafe readBack.judge(log, unit, blocks, checksums: checksums)
    }
    if judgement == .lost { oweError(unit) }
    return judgement
  }

  /// How long fsyncs have read back so far, in nanoseconds.
  func readingTime(_ unit: Int) -> UInt64 { units[unit].readingTime.load(ordering: .relaxed) }

  /// A range was read back that need not be read again.
  func noteReading(_ unit: Int, for nanoseconds: UInt64) {
    units[unit].readingTime.add(nanoseconds, ordering: .relaxed)
  }
}
