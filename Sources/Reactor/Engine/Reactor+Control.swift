import ISCSI
import SCSI
import Wire

/// SCSI commands of the control plane: sent like any other, their data copied out at the end.
extension Reactor {
  /// Starts a control task, or says at once why not.
  mutating func execute(_ task: ControlTask, _ continuation: ControlContinuation) {
    guard let session = find(task.session), sessions[session].isUp else {
      return continuation.resume(returning: .failure(.notConnected))
    }
    guard let index = slots.takeControl() else {
      return continuation.resume(returning: .failure(.busy))
    }
    slots[index] = Slot(reusing: slots[index], as: .control)
    slots[index].startedAt = now
    slots[index].retryAt = now &+ task.timeoutMilliseconds &* Interval.millisecond
    slots[index].lun = task.lun
    slots[index].cdb = task.cdb
    if !task.extendedCDB.isEmpty { lay(task.extendedCDB, slot: index) }
    slots[index].memoryOffset = SlotMemory.payload
    slots[index].transfer = TransferState(
      direction: task.dataInCapacity > 0 ? .read : .none,
      expectedLength: UInt32(task.dataInCapacity))
    controlContinuations[index - slots.requestCount] = continuation
    nextTick = min(nextTick, slots[index].retryAt)
    slots[index].session = UInt16(session)
    slots[index].stage = .queued
    sessions[session].pendingControls.append(UInt16(index))
    connectionsToPump |= sessions[session].connections
  }

  /// Lays what of a CDB does not fit the header where it is sent from.
  private mutating func lay(_ extendedCDB: [UInt8], slot index: Int) {
    let segment = AdditionalHeaderSegment.extendedCDB(extendedCDB).encoded
    slots[index].additionalHeaderWords = UInt8(segment.count / 4)
    let place = unsafe slots.memory(index) + SlotMemory.request
    // SAFETY: 248 bytes at most, of a page that only requests of the kernel use otherwise.
    unsafe segment.withUnsafeBytes {
      unsafe UnsafeMutableRawBufferPointer(start: place, count: segment.count).copyMemory(from: $0)
    }
  }

  /// A control task has a status: hands out its data and sense.
  mutating func finishControl(
    _ index: Int, _ status: SCSIStatus, _ residual: Residual, _ sense: borrowing RawSpan
  ) {
    if status == .acaActive { clearACA(index) }
    let received = Int(slots[index].transfer.receivedLength)
    var length = received
    if case .underflow(let missing) = residual {
      length = min(length, max(0, Int(slots[index].transfer.expectedLength) - Int(missing)))
    }
    // SAFETY: `length` bytes were received into the slot's pages.
    let data = unsafe [UInt8](
      UnsafeRawBufferPointer(
        start: slots.memory(index) + SlotMemory.payload, count: length))
    var senseBytes = [UInt8]()
    for offset in 0..<sense.byteCount { senseBytes.append(sense.byte(at: offset)) }
    endControl(
      index, .success(ControlTask.Result(status: status, data: data, sense: senseBytes)))
  }

  /// A control task ends without a status.
  mutating func finishControl(_ index: Int, _ failure: ControlTask.Failure) {
    endControl(index, .failure(failure))
  }

  private mutating func endControl(
    _ index: Int, _ result: Result<ControlTask.Result, ControlTask.Failure>
  ) {
    resumeControl(index, result)
    slots.retire(index)
  }

  /// Tells who waits; the slot stays while its task is still at the target.
  mutating func resumeControl(
    _ index: Int, _ result: Result<ControlTask.Result, ControlTask.Failure>
  ) {
    controlContinuations[index - slots.requestCount].take()?.resume(returning: result)
  }
}
