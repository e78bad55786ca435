import FUSE
import ISCSI
import LogicalUnit
import SCSI
import SystemPackage
import Wire

/// FALLOCATE: ranges zeroed and given back, by one command after the other.
///
/// A request orders itself among overlapping writes as a read-modify-write does, has one command at
/// the target at a time, and is sent again as writes are: zeroing twice is zeroing once.
extension Reactor {
  /// FALLOCATE, in the next free slot where it needs one.
  mutating func beginAllocation(
    _ index: Int, _ request: FallocateRequest, for caller: Caller, _ handle: LogicalUnitHandle
  ) {
    guard let unit = admit(caller, handle) else { return }
    let clearing: RangeClearing?
    do throws(Errno) {
      clearing = try plan(request, unit: unit)
    } catch {
      return answer(caller, error: error)
    }
    guard let clearing else { return answer(caller) }
    guard admitWrite(caller, unit: unit, clearing.blocks, isAligned: false) else { return }
    begin(index, .clear, for: caller, handle)
    slots[index].isRewrite = true
    slots[index].isCounted = true
    units[unit].rewriteCount += 1
    slots.clearings[index] = clearing
    slots[index].failures = sharedUnits.incidents(unit)
    slots[index].payload = SlotMemory.payload
    slots[index].blocks = clearing.blocks
    slots[index].blockShift = units[unit].geometry.logicalBlockShift
    slots[index].holdsRange = true
    let admission = locks.acquire(
      owner: UInt16(index), logicalUnit: slots[index].unit, blocks: clearing.blocks,
      isReadModifyWrite: true)
    switch admission {
    case .granted: beginGranted(index)
    case .parked: waitForRange(index, unit: unit)
    }
  }

  /// What fallocate(2) asks: a range to clear, or nil where it is so already.
  private func plan(
    _ request: FallocateRequest, unit: Int
  ) throws(Errno) -> RangeClearing? {
    let geometry = units[unit].geometry
    let capacity = geometry.capacityBytes
    let (end, overflow) = request.offset.addingReportingOverflow(request.length)
    let isInside = !overflow && end <= capacity
    guard !units[unit].isWriteProtected else { throw .readOnlyFileSystem }
    guard request.length > 0 else { throw .invalidArgument }
    switch request.mode {
    case [.punchHole, .keepSize]:
      // Past the end there is nothing to punch, as in any file.
      guard request.offset < capacity else { return nil }
      // Zeros instead would fill what a caller of discards means to empty.
      guard units[unit].provisioning.givesBack else { throw .notSupportedOnSocket }
      return RangeClearing(
        offset: request.offset, length: min(request.length, capacity - request.offset),
        isDeallocating: true, geometry: geometry)
    case [.zeroRange], [.zeroRange, .keepSize]:
      // Zeroed is also allocated, which nothing past the end can be.
      guard isInside else { throw .noSpace }
      return RangeClearing(
        offset: request.offset, length: request.length, isDeallocating: false,
        geometry: geometry)
    case [], [.keepSize]:
      guard isInside else { throw .noSpace }
      // A thin unit may be out of space at any write: nothing of ours can promise otherwise.
      guard units[unit].provisioning.isFull else { throw .notSupportedOnSocket }
      return nil
    default: throw .notSupportedOnSocket
    }
  }

  /// Sends what comes next of a clearing that holds its range, or answers.
  mutating func clearNext(_ index: Int) {
    guard stillFits(index) else { return }
    let unit = Int(slots[index].unit)
    let geometry = units[unit].geometry
    let writeLimit = min(
      geometry.maximumTransferBlocks,
      UInt32(SlotMemory.payloadLimit) >> UInt32(geometry.logicalBlockShift))
    let step = slots.clearings[index].next(
      units[unit].provisioning, maximumWriteBlocks: UInt64(writeLimit))
    guard let step else {
      // What its first commands did may be gone with a cache: the fsync that follows has to say so.
      if mayBeLost(index) { sharedUnits.oweError(unit) }
      slots[index].leavesUnknown = false
      rememberZeros(index)
      answer(slot: index)
      return end(index)
    }
    slots[index].step = .transfer
    slots[index].leavesUnknown = true
    switch step {
    case .patch(let block, _, _): readEdge(index, .readHead, block, at: SlotMemory.scratchHead)
    case .writeSame(let blocks, let unmaps):
      let length = geometry.logicalBlockLength
      layZeros(index, count: length)
      issue(
        index,
        .writeSame16(lba: blocks.first, blocks: UInt32(blocks.count), unmap: unmaps),
        .init(direction: .write, expectedLength: length), at: SlotMemory.payload)
    case .write(let blocks):
      let length = UInt32(blocks.count) << UInt32(geometry.logicalBlockShift)
      layZeros(index, count: length)
      slots[index].commands = TransferCommands(
        .write, blocks: blocks, geometry: geometry, form: units[unit].form)
      issueNext(index, at: SlotMemory.payload)
    case .unmap(let blocks):
      layList(index, blocks)
      issue(
        index, .unmap(parameterListLength: 24), .init(direction: .write, expectedLength: 24),
        at: SlotMemory.aside)
    case .status(let blocks): askStatus(index, from: blocks.first)
    }
  }

  /// A clearing's command did what it was asked.
  mutating func continueClearing(_ index: Int) {
    slots[index].progressedAt = now
    if slots[index].step == .status {
      // SAFETY: as many bytes have been received there.
      let answer = unsafe RawSpan(
        _unsafeStart: slots.memory(index) + SlotMemory.aside,
        byteCount: Int(slots[index].transfer.receivedLength))
      slots.clearings[index].learned(answer)
    } else {
      slots.clearings[index].succeeded()
    }
    clearNext(index)
  }

  /// Zeroes the middle of the block that was read, and writes it back.
  mutating func patch(_ index: Int) {
    guard stillFits(index), case .patch(let block, let head, let tail) = slots.clearings[index].step
    else { return }
    judgeEdge(index, at: SlotMemory.scratchHead)
    let unit = Int(slots[index].unit)
    let length = units[unit].geometry.logicalBlockLength
    let middle = unsafe slots.memory(index) + SlotMemory.scratchHead + Int(head)
    // SAFETY: head and tail lie in a block of at most 4096 bytes, for which there is room.
    unsafe middle.initializeMemory(as: UInt8.self, repeating: 0, count: Int(length - head - tail))
    slots[index].step = .transfer
    slots[index].commands = TransferCommands(
      .write, blocks: BlockRange(first: block, count: 1), geometry: units[unit].geometry,
      form: units[unit].form)
    issueNext(index, at: SlotMemory.scratchHead)
  }

  /// Goes another way where the unit refuses a command that need not be known; false when there is
  /// none.
  mutating func goesAround(_ index: Int, _ failure: SCSIFailure) -> Bool {
    guard !slots[index].isAnswered, failure == .unsupportedCommand || failure == .illegalRequest
    else { return false }
    let unit = Int(slots[index].unit)
    switch slots[index].kind {
    case .clear:
      switch units[unit].refuse(&slots.clearings[index]) {
      case .goesOn: clearNext(index)
      case .unsupported: finish(index, error: .notSupportedOnSocket)
      case .failed: return false
      }
    case .seek:
      units[unit].refuseStatus()
      answerSearch(index, slots.searches[index].outcomeWithoutAnswer)
    default: return false
    }
    return true
  }

  /// Sees to it that at least `count` bytes of the slot's payload are zeros.
  private mutating func layZeros(_ index: Int, count: UInt32) {
    guard slots[index].resultLength < count else { return }
    // SAFETY: a payload has room for 1 MiB, and a block and a WRITE are no longer.
    unsafe (slots.memory(index) + SlotMemory.payload).initializeMemory(
      as: UInt8.self, repeating: 0, count: Int(count))
    slots[index].resultLength = count
  }

  private mutating func layList(_ index: Int, _ blocks: BlockRange) {
    // SAFETY: 24 bytes of a page that is this slot's.
    var list = unsafe MutableRawSpan(
      _unsafeStart: slots.memory(index) + SlotMemory.aside, byteCount: 24)
    UnmapParameterList.store(blocks.first, count: UInt32(blocks.count), into: &list)
  }

  /// Sends a command that is no transfer of blocks; its data lie at `offset`.
  mutating func issue(
    _ index: Int, _ cdb: CommandDescriptorBlock, _ transfer: TransferState, at offset: Int
  ) {
    slots[index].cdb = cdb
    slots[index].memoryOffset = offset
    slots[index].transfer = transfer
    slots[index].lun = units[Int(slots[index].unit)].lun
    enqueueNew(index)
  }
}
