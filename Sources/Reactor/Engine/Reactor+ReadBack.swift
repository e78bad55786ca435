import ISCSI
import LogicalUnit
import SCSI
import SystemPackage
import Wire

/// What is remembered of writes behind a volatile cache, and the fsync that finds out after a loss
/// whether they are there: SYNCHRONIZE CACHE, then READ of every block in doubt (decision 013).
///
/// Each READ holds its blocks as a read-modify-write does, among this reactor's writes and the
/// others', so that none of them is at the target meanwhile. Nothing is written.
extension Reactor {
  // MARK: - What is remembered

  /// A command is sent: whoever was answered before it is overwritten by it, or flushed.
  func notePosition(_ index: Int) {
    switch (slots[index].kind, slots[index].step) {
    case (.write, .transfer):
      let unit = Int(slots[index].unit)
      slots[index].position =
        units[unit].hasVolatileCache
        ? sharedUnits.noteSent(unit, lane: lane, slot: index) : sharedUnits.position(unit)
    case (.write, .synchronize), (.synchronize, .synchronize):
      slots[index].epoch = sharedUnits.epoch(Int(slots[index].unit))
      slots[index].position = sharedUnits.position(Int(slots[index].unit))
      slots[index].oldestPosition = oldestWrite(beside: index)
    default: break
    }
  }

  /// Where the oldest write to the slot's unit was sent that is at the target; or its own position.
  private func oldestWrite(beside index: Int) -> UInt64 {
    var oldest = slots[index].position
    for slot in 0..<slots.requestCount
    where slots[slot].kind == .write && slots[slot].isAtTarget
      && slots[slot].step == .transfer && slots[slot].unit == slots[index].unit
    {
      oldest = min(oldest, slots[slot].position)
    }
    return min(oldest, sharedUnits.oldestSent(Int(slots[index].unit), besides: lane))
  }

  /// Whether a write to a unit is at the target, over any session but one.
  func hasWriteAtTarget(_ unit: Int, besides session: UInt16?) -> Bool {
    for slot in 0..<slots.requestCount
    where slots[slot].isAtTarget && Int(slots[slot].unit) == unit
      && slots[slot].session != session
    {
      switch (slots[slot].kind, slots[slot].step) {
      case (.write, .transfer), (.clear, _): return true
      default: continue
      }
    }
    return sharedUnits.oldestSent(unit, besides: lane) != .max
  }

  /// Remembers the blocks a WRITE has brought, which lie in the slot's pages still.
  mutating func remember(_ index: Int) {
    let unit = Int(slots[index].unit)
    guard units[unit].hasVolatileCache else { return }
    if slots[index].kind == .clear {
      switch slots.clearings[index].step {
      case .patch, .write: break
      // Remembered at the end: until then nobody else sees the range.
      default: return
      }
    }
    let shift = slots[index].commands.logicalBlockShift
    let count = Int(slots[index].transfer.expectedLength >> UInt32(shift))
    let end = slots[index].commands.remaining.first.rawValue
    let memory = unsafe slots.memory(index) + slots[index].memoryOffset
    unsafe sum(memory, count: count, blockShift: shift)
    let wantsFlush = unsafe sharedUnits.remember(
      unit, BlockRange(first: LogicalBlockAddress(end &- UInt64(count)), count: UInt64(count)),
      checksums: checksums.pointer, blockShift: shift, sentAt: slots[index].position)
    noteWish(unit, wantsFlush)
  }

  /// Remembers that a clearing has left zeros.
  mutating func rememberZeros(_ index: Int) {
    let unit = Int(slots[index].unit)
    let blocks = slots.clearings[index].wholeBlocks
    guard units[unit].hasVolatileCache, !blocks.isEmpty else { return }
    let wantsFlush = unsafe sharedUnits.remember(
      unit, blocks, checksums: nil, blockShift: slots[index].blockShift,
      sentAt: slots[index].position)
    noteWish(unit, wantsFlush)
  }

  /// A block was read to lay new bytes over some of it: after a loss the rest may not be what it
  /// was, and nobody could find out later.
  func judgeEdge(_ index: Int, at offset: Int) {
    let unit = Int(slots[index].unit)
    guard units[unit].hasVolatileCache else { return }
    let shift = slots[index].blockShift
    let block = slots[index].commands.remaining.first.rawValue &- 1
    unsafe sum(slots.memory(index) + offset, count: 1, blockShift: shift)
    sharedUnits.judge(
      unit, block: block, checksum: checksums[0], blockLength: 1 << Int(shift))
  }

  /// The CRC32C of each of the blocks at `memory`, into `checksums`.
  private func sum(_ memory: UnsafeMutableRawPointer, count: Int, blockShift: UInt8) {
    for block in 0..<count {
      // SAFETY: as many blocks lie in the slot's transfer.
      let bytes = unsafe RawSpan(
        _unsafeStart: memory + block << Int(blockShift), byteCount: 1 << Int(blockShift))
      var checksum = CRC32C()
      checksum.update(bytes)
      checksums[block] = checksum.value
    }
  }

  // MARK: - fsync after a loss

  mutating func beginReadBack(_ index: Int) {
    let unit = Int(slots[index].unit)
    slots[index].step = .readBack
    // An error that is told stands for all that may be lost; a flush of our own tells none.
    let told = slots[index].isUnasked ? sharedUnits.failuresTold(unit) : slots[index].failures
    // One that tells what nobody knows of an earlier daemon finds out about this one's writes as
    // every other does: who waits beside it depends on that.
    guard sharedUnits.failures(unit) == told else { return giveUpFinding(index) }
    let geometry = units[unit].geometry
    let readBack = sharedUnits.beginReadBack(
      unit, flushSentAt: slots[index].position, oldest: slots[index].oldestPosition,
      blockLength: Int(geometry.logicalBlockLength))
    guard let readBack else { return lookAgain(index, at: .readBack) }
    slots.readBacks[index] = readBack
    slots[index].isReadingBack = true
    slots[index].blockShift = geometry.logicalBlockShift
    readNext(index)
  }

  /// Takes the blocks to be read next, or ends the fsync.
  private mutating func readNext(_ index: Int) {
    let unit = Int(slots[index].unit)
    let limit = UInt64(SlotMemory.payloadLimit) >> UInt64(slots[index].blockShift)
    guard var readBack = slots.readBacks[index].take() else {
      preconditionFailure("who reads back knows what")
    }
    let step = sharedUnits.nextStep(
      &readBack, unit, upTo: slots[index].epoch, blockLimit: limit)
    slots.readBacks[index] = readBack
    switch step {
    case .read(let blocks): take(index, blocks)
    case .flushAgain:
      endReadBack(index)
      issueSynchronize(index)
    case .settled:
      endReadBack(index)
      finishSynchronize(index)
    }
  }

  /// Asks for the range to read, as a read-modify-write does.
  private mutating func take(_ index: Int, _ blocks: BlockRange) {
    let unit = Int(slots[index].unit)
    guard sharedUnits.beginRewriting(unit, lane: lane) == .granted else {
      return lookAgain(index, at: .readBack)
    }
    slots[index].isRewrite = true
    slots[index].isCounted = true
    units[unit].rewriteCount += 1
    slots[index].blocks = blocks
    slots[index].holdsRange = true
    slots[index].readingTime = 0
    let admission = locks.acquire(
      owner: UInt16(index), logicalUnit: slots[index].unit, blocks: blocks,
      isReadModifyWrite: true)
    switch admission {
    case .granted: beginGranted(index)
    case .parked: waitForRange(index, unit: unit)
    }
  }

  /// Looks again soon: another fsync reads back, another reactor orders this LUN's writes, or what
  /// comes behind a flush is waited for.
  mutating func lookAgain(_ index: Int, at step: Slot.Step) {
    slots[index].step = step
    slots[index].stage = .delayed
    slots[index].retryAt = now &+ Interval.shortTick
    delayedCount += 1
    nextTick = min(nextTick, slots[index].retryAt)
  }

  /// Goes on where an fsync waited to read back.
  mutating func goOnReadingBack(_ index: Int) {
    slots[index].stage = .idle
    if !slots[index].isReadingBack { creditReading(index) }
    guard !endsOverdue(index) else { return }
    if slots[index].isReadingBack { readNext(index) } else { concludeFlush(index) }
  }

  /// The range is held, and no write to it is at the target: reads it.
  mutating func readBlocks(_ index: Int) {
    let unit = Int(slots[index].unit)
    let geometry = units[unit].geometry
    guard slots[index].blockShift == geometry.logicalBlockShift,
      slots[index].blocks.end.rawValue <= geometry.blockCount
    else { return lose(blocksOf: index) }
    slots[index].commands = TransferCommands(
      .read, blocks: slots[index].blocks, geometry: geometry, form: units[unit].form)
    issueNext(index, at: SlotMemory.payload)
  }

  /// Some of the range has been read.
  mutating func continueReadingBack(_ index: Int) {
    // Who reads does not wait for a path; who does so again after a loss, or slowly, does.
    slots[index].readingTime += min(now &- slots[index].sentAt, Interval.readBack)
    guard slots[index].commands.remaining.isEmpty else {
      return issueNext(index, at: SlotMemory.payload)
    }
    judge(index)
  }

  /// All blocks of the range have been read: are they what they should be?
  private mutating func judge(_ index: Int) {
    let unit = Int(slots[index].unit)
    let blocks = slots[index].blocks
    guard var readBack = slots.readBacks[index].take() else {
      preconditionFailure("who reads back knows what")
    }
    unsafe sum(
      slots.memory(index) + SlotMemory.payload, count: Int(blocks.count),
      blockShift: slots[index].blockShift)
    let judgement = unsafe sharedUnits.judge(
      &readBack, unit, blocks, checksums: checksums.pointer)
    slots.readBacks[index] = readBack
    if judgement == .there { sharedUnits.noteReading(unit, for: slots[index].readingTime) }
    creditReading(index)
    giveBack(index)
    if judgement == .lost { giveUpFinding(index) } else { readNext(index) }
  }

  /// The time some fsync's READs have taken, and will not take again, is not counted as waiting:
  /// not its own, and not that of those beside it.
  private func creditReading(_ index: Int) {
    let total = sharedUnits.readingTime(Int(slots[index].unit))
    slots[index].progressedAt = min(
      now, slots[index].progressedAt &+ (total &- slots[index].creditedTime))
    slots[index].creditedTime = total
    slots[index].readingTime = 0
  }

  /// Gives up the range that was read.
  private mutating func giveBack(_ index: Int) {
    slots[index].holdsRange = false
    locks.release(owner: UInt16(index))
    endWriting(index)
    while let granted = locks.nextGranted() { beginGranted(Int(granted)) }
  }

  /// The blocks are not there any more, or cannot be read.
  private mutating func lose(blocksOf index: Int) {
    sharedUnits.oweError(Int(slots[index].unit))
    giveBack(index)
    giveUpFinding(index)
  }

  /// An error is owed: it stands for all there is to find out.
  private mutating func giveUpFinding(_ index: Int) {
    sharedUnits.settle(
      Int(slots[index].unit), upTo: slots[index].epoch, flushSentAt: slots[index].position,
      oldest: slots[index].oldestPosition)
    endReadBack(index)
    finishSynchronize(index)
  }

  /// What was written and cannot be read is lost; true where that was so and the fsync has been
  /// answered.
  mutating func isLost(_ index: Int, _ failure: SCSIFailure) -> Bool {
    guard slots[index].step == .readBack, failure == .mediumError, !slots[index].isAnswered
    else { return false }
    lose(blocksOf: index)
    return true
  }

  /// Who reads back has ended, with whatever outcome.
  func endReadBack(_ index: Int) {
    guard slots[index].isReadingBack else { return }
    slots[index].isReadingBack = false
    slots.readBacks[index] = nil
    sharedUnits.endReadBack(Int(slots[index].unit))
  }
}
