import FUSE
import Glibc
import ISCSI
import LogicalUnit
import SCSI
import SystemPackage

/// Kernel requests on LUN files, from their arrival to the first command.
extension Reactor {
  /// Makes the next free slot this request's; the caller has seen that there is one.
  mutating func begin(
    _ index: Int, _ kind: Slot.Kind, for caller: Caller, _ handle: LogicalUnitHandle
  ) {
    slots.takeRequest()
    slots[index] = Slot(reusing: slots[index], as: kind)
    slots[index].caller = caller
    if let ringMemory, let entry = caller.entry {
      unsafe slots.lend(ringMemory.base(entry), to: index)
    }
    slots[index].startedAt = now
    slots[index].hasWaited = keepsEntries
    slots[index].progressedAt = beginning(of: caller, unit: Int(handle.index))
    if !earlyInterrupts.isEmpty, earlyInterrupts.take(caller.unique) {
      slots[index].isInterrupted = true
      nextTick = now
    }
    slots[index].unit = handle.index
    units[Int(handle.index)].busyCount += 1
    nextTick = min(nextTick, now &+ Interval.tick)
  }

  /// Whether a handle's place is that unit's, served or not.
  func knows(_ handle: LogicalUnitHandle) -> Bool {
    let unit = Int(handle.index)
    return unit < units.count && units[unit].state != .free
      && units[unit].generation == handle.generation
  }

  /// The unit a new request is for; nil after answering that it is not served, or handing it to the
  /// reactor that serves it.
  mutating func admit(_ caller: Caller, _ handle: LogicalUnitHandle) -> Int? {
    let unit = Int(handle.index)
    guard knows(handle) else {
      answer(caller, error: .staleNFSFileHandle)
      return nil
    }
    guard units[unit].state == .exposed else {
      answer(caller, error: Errno(rawValue: units[unit].error))
      return nil
    }
    return forward(caller, unit: unit) ? nil : unit
  }

  /// READ: the blocks that hold the range, then the bytes asked for.
  mutating func beginRead(_ index: Int, _ request: TransferRequest, unit: Int) {
    let length = min(request.size, UInt32(SlotMemory.payloadLimit))
    let plan = ReadPlan(
      offset: request.offset, length: length, geometry: units[unit].geometry)
    guard plan.returnedLength > 0 else {
      answer(slot: index)
      return end(index)
    }
    slots[index].resultLength = plan.returnedLength
    slots[index].headFill = plan.leadingSkip
    slots[index].commands = TransferCommands(
      .read, blocks: plan.blocks, geometry: units[unit].geometry, form: units[unit].form)
    slots[index].payload = SlotMemory.payload
    issueNext(index, at: SlotMemory.payload - Int(plan.leadingSkip))
  }

  /// The range of a write; nil after answering that it cannot be.
  mutating func plan(_ request: TransferRequest, unit: Int, for caller: Caller) -> WritePlan? {
    guard !units[unit].isWriteProtected else {
      answer(caller, error: .readOnlyFileSystem)
      return nil
    }
    do throws(WritePlan.Refusal) {
      return try WritePlan(
        offset: request.offset, length: min(request.size, UInt32(SlotMemory.payloadLimit)),
        geometry: units[unit].geometry)
    } catch {
      answer(caller, error: .noSpace)
      return nil
    }
  }

  /// WRITE: whole blocks at once; edges inside blocks are read first, under the range lock.
  ///
  /// The shared gate has let it in, as a rewrite unless it is aligned.
  mutating func beginWrite(
    _ index: Int, _ plan: WritePlan, isDurable: Bool, unit: Int
  ) {
    slots[index].resultLength = plan.acceptedLength
    slots[index].payload =
      slots[index].caller.entry == nil ? SlotMemory.devicePayload : SlotMemory.payload
    slots[index].isRewrite = !plan.isAligned
    slots[index].isCounted = true
    if !plan.isAligned { units[unit].rewriteCount += 1 }
    guard plan.acceptedLength > 0 else { return finishWrite(index) }
    slots[index].headFill = plan.headFill
    slots[index].tailFill = plan.tailFill
    slots[index].blocks = plan.blocks
    slots[index].blockShift = units[unit].geometry.logicalBlockShift
    slots[index].isDurable = isDurable
    slots[index].holdsRange = true
    let admission = locks.acquire(
      owner: UInt16(index), logicalUnit: slots[index].unit, blocks: plan.blocks,
      isReadModifyWrite: !plan.isAligned)
    switch admission {
    case .granted: beginGranted(index)
    case .parked: waitForRange(index, unit: unit)
    }
  }

  /// Parks a request behind a conflicting one, which may be one that waits for a lost session's
  /// login: not where no path is left.
  mutating func waitForRange(_ index: Int, unit: Int) {
    guard !isPathless(unit: unit) else { return finish(index, error: .noLink) }
    slots[index].stage = .range
    waitByTimeouts(index, unit: unit)
  }

  /// What a request that waits for no session is given: the timeouts of one of its unit.
  mutating func waitByTimeouts(_ index: Int, unit: Int) {
    for position in 0..<Int(units[unit].sessionCount) {
      guard let session = find(units[unit].sessions[position]) else { continue }
      slots[index].session = UInt16(session)
      return
    }
  }

  /// Reads the blocks at the edges of a write, where there are any, then writes.
  mutating func beginFill(_ index: Int) {
    guard stillFits(index) else { return }
    let slot = slots[index]
    let isOneBlock = slot.blocks.count == 1
    if slot.headFill > 0 || (isOneBlock && slot.tailFill > 0) {
      return readEdge(index, .readHead, slot.blocks.first, at: SlotMemory.scratchHead)
    }
    beginTail(index)
  }

  private mutating func beginTail(_ index: Int) {
    let slot = slots[index]
    guard slot.tailFill > 0, slot.blocks.count > 1 else { return beginTransfer(index) }
    readEdge(index, .readTail, slot.blocks.last, at: SlotMemory.scratchTail)
  }

  /// Reads a block to lay it around what changes in it.
  mutating func readEdge(
    _ index: Int, _ step: Slot.Step, _ block: LogicalBlockAddress, at offset: Int
  ) {
    let unit = Int(slots[index].unit)
    slots[index].step = step
    slots[index].commands = TransferCommands(
      .read, blocks: BlockRange(first: block, count: 1), geometry: units[unit].geometry,
      form: units[unit].form)
    issueNext(index, at: offset)
  }

  /// True unless the unit has changed under a write that waited; then it has been answered.
  mutating func stillFits(_ index: Int) -> Bool {
    let geometry = units[Int(slots[index].unit)].geometry
    guard slots[index].blockShift == geometry.logicalBlockShift else {
      finish(index, error: .staleNFSFileHandle)
      return false
    }
    guard slots[index].blocks.end.rawValue <= geometry.blockCount else {
      finish(index, error: .noSpace)
      return false
    }
    return true
  }

  /// Lays what an edge's block has on both sides of the payload.
  mutating func fillEdge(_ index: Int) {
    guard stillFits(index) else { return }
    judgeEdge(index, at: slots[index].memoryOffset)
    let slot = slots[index]
    let blockLength = Int(units[Int(slot.unit)].geometry.logicalBlockLength)
    let memory = unsafe slots.memory(index)
    let (head, tail) = (Int(slot.headFill), Int(slot.tailFill))
    let payloadEnd = slot.payload + Int(slot.resultLength)
    // SAFETY: fills are shorter than a block of at most 4096 bytes, for which `SlotMemory` leaves
    // room.
    if slot.step == .readHead {
      let block = unsafe memory + SlotMemory.scratchHead
      unsafe (memory + slot.payload - head).copyMemory(from: block, byteCount: head)
      if slot.blocks.count == 1 {
        unsafe (memory + payloadEnd).copyMemory(
          from: block + blockLength - tail, byteCount: tail)
      }
      return beginTail(index)
    }
    let block = unsafe memory + SlotMemory.scratchTail
    unsafe (memory + payloadEnd).copyMemory(from: block + blockLength - tail, byteCount: tail)
    beginTransfer(index)
  }

  /// Writes the blocks, all of them.
  mutating func beginTransfer(_ index: Int) {
    let unit = Int(slots[index].unit)
    slots[index].failures = sharedUnits.incidents(unit)
    let forcesUnitAccess = slots[index].isDurable && units[unit].supportsForceUnitAccess
    slots[index].step = .transfer
    slots[index].commands = TransferCommands(
      forcesUnitAccess ? .writeForcingUnitAccess : .write, blocks: slots[index].blocks,
      geometry: units[unit].geometry, form: units[unit].form)
    issueNext(index, at: slots[index].payload - Int(slots[index].headFill))
  }

  /// FSYNC: SYNCHRONIZE CACHE when something was written since the last and can be lost.
  mutating func beginSynchronize(_ index: Int, unit: Int) {
    slots[index].failures = sharedUnits.failuresTold(unit)
    slots[index].creditedTime = sharedUnits.readingTime(unit)
    guard units[unit].hasVolatileCache, sharedUnits.needsFlush(unit) else {
      return finishSynchronize(index)
    }
    issueSynchronize(index)
  }

  /// Sends SYNCHRONIZE CACHE for the whole medium.
  mutating func issueSynchronize(_ index: Int) {
    let unit = Int(slots[index].unit)
    slots[index].step = .synchronize
    slots[index].cdb = units[unit].form == .sixteen ? .synchronizeCache16() : .synchronizeCache10()
    slots[index].transfer = .init(direction: .none, expectedLength: 0)
    slots[index].lun = units[unit].lun
    enqueueNew(index)
  }
}
