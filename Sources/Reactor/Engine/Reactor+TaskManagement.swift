import ISCSI
import SCSI
import SystemPackage
import Wire

/// Task management: functions sent to a target, and what their answers mean for the tasks here.
///
/// Until the response has come every task concerned goes on as if nothing had been asked: its R2Ts
/// are answered, its own response ends it (RFC 7143, 4.2.3.3).
extension Reactor {
  /// Sends a function, or says at once why not.
  mutating func manage(
    _ request: TaskManagement, _ continuation: CheckedContinuation<TaskManagementOutcome, Never>
  ) {
    guard let session = find(request.session), sessions[session].isUp else {
      return continuation.resume(returning: .notConnected)
    }
    let parameters = sessions[session].machine.parameters
    guard request.function.isAllowed(by: parameters) else {
      return continuation.resume(returning: .notNegotiated)
    }
    var lun = request.function.isAboutUnit ? request.lun : LogicalUnitNumber(rawValue: 0)
    var refCmdSN = SerialNumber(rawValue: 0)
    if request.function.isAboutTask {
      guard let slot = slotInFlight(request.task, session: session) else {
        return continuation.resume(returning: .taskNotFound)
      }
      lun = slots[slot].lun
      refCmdSN = slots[slot].cmdSN
    }
    guard let index = freeManagement(), sessions[session].transmit.hasRoomForManagement
    else {
      return continuation.resume(returning: .busy)
    }
    managementCount += 1
    managements[index].isBusy = true
    managements[index].generation &+= 1
    managements[index].session = UInt16(session)
    managements[index].function = request.function
    managements[index].lun = lun
    managements[index].task = request.function.isAboutTask ? request.task : .reserved
    managements[index].cmdSN = sessions[session].machine.cmdSN
    managements[index].deadline = now &+ request.timeoutMilliseconds &* Interval.millisecond
    managements[index].continuation = continuation
    nextTick = min(nextTick, managements[index].deadline)
    let pdu = TaskManagementRequest(
      function: request.function, logicalUnit: lun,
      initiatorTaskTag: managements[index].tag(index: index),
      referencedTaskTag: managements[index].task, cmdSN: managements[index].cmdSN,
      expStatSN: sessions[session].machine.expStatSN, refCmdSN: refCmdSN)
    unsafe sessions[session].transmit.append(pdu.header, parameters: parameters)
    sessionsToPump |= 1 << UInt64(session)
  }

  private func freeManagement() -> Int? {
    for index in 0..<managements.count where !managements[index].isBusy { return index }
    return nil
  }

  /// The slot whose task with this tag is at the session's target.
  func slotInFlight(_ tag: InitiatorTaskTag, session: Int) -> Int? {
    let slot = Int(tag.rawValue & 0xFFFF)
    guard slot < slots.count, slots[slot].stage == .inFlight,
      slots[slot].session == UInt16(session), slots[slot].tag(index: slot) == tag
    else { return nil }
    return slot
  }

  /// The place of the function with this tag that is under way on the session.
  func management(_ tag: InitiatorTaskTag, session: Int) -> Int? {
    let index = Int(tag.rawValue & 0xFFFF) - ManagementTask.firstTag
    guard index >= 0, index < managements.count, managements[index].isBusy,
      managements[index].session == UInt16(session), managements[index].tag(index: index) == tag
    else { return nil }
    return index
  }

  /// The target has answered a function: the tasks it ended are answered here.
  mutating func receive(
    _ response: TaskManagementResponse, session: Int
  ) throws(ProtocolViolation) {
    let tag = response.header.initiatorTaskTag
    guard let index = management(tag, session: session) else {
      throw .unknownTask(.taskManagementResponse, tag)
    }
    try sessions[session].machine.advanceStatus(from: response.header)
    let function = managements[index].function
    let outcome: TaskManagementOutcome
    switch response.response {
    case .functionComplete: outcome = .complete
    case .taskDoesNotExist where function.isAboutTask: outcome = .complete
    case .functionSucceeded: outcome = .succeeded
    case let refusal: outcome = .refused(refusal)
    }
    let ended = managements[index]
    end(management: index, outcome)
    if outcome == .complete, function.endsTasks { endTasks(of: ended, session: session) }
  }

  /// Frees a function's place and tells who waits.
  mutating func end(management index: Int, _ outcome: TaskManagementOutcome) {
    managements[index].isBusy = false
    managementCount -= 1
    managements[index].continuation.take()?.resume(returning: outcome)
  }

  /// Ends what a function has ended at the target and what was not answered before it.
  private mutating func endTasks(of ended: ManagementTask, session: Int) {
    for slot in 0..<slots.count
    where slots[slot].kind != .free && slots[slot].stage == .inFlight
      && slots[slot].session == UInt16(session) && concerns(ended, slot)
    {
      leave(slot, session: session)
      if slots[slot].kind == .control {
        finishControl(slot, .aborted)
      } else if slots[slot].isAnswered {
        end(slot)
      } else if ended.function.isReset {
        // Nobody asked for these tasks to fail: they are sent again.
        complete(slot, status: .taskAborted, sense: nil, isWhole: false)
      } else {
        finish(slot, error: slots[slot].isInterrupted ? .interrupted : .ioError)
      }
    }
  }

  private func concerns(_ ended: ManagementTask, _ slot: Int) -> Bool {
    if ended.function == .abortTask { return slots[slot].tag(index: slot) == ended.task }
    guard slots[slot].cmdSN.precedes(ended.cmdSN) else { return false }
    return !ended.function.isAboutUnit || slots[slot].lun == ended.lun
  }

  /// The session's connection is gone, and with it every answer.
  mutating func endManagements(session: Int) {
    guard managementCount > 0 else { return }
    for index in 0..<managements.count
    where managements[index].isBusy && managements[index].session == UInt16(session) {
      end(management: index, .sessionLost)
    }
  }

  /// Deadlines: who waits is told; a target that still says nothing is given up.
  mutating func tickManagements() {
    guard managementCount > 0 else { return }
    for index in 0..<managements.count where managements[index].isBusy {
      let deadline = managements[index].deadline
      let end = deadline &+ Interval.command
      if now >= end {
        lose(session: Int(managements[index].session), .commandTimedOut)
      } else if now >= deadline {
        managements[index].continuation.take()?.resume(returning: .timedOut)
        nextTick = min(nextTick, end)
      } else {
        nextTick = min(nextTick, deadline)
      }
    }
  }
}

extension TaskManagementRequest.Function {
  /// Whether Referenced Task Tag and RefCmdSN mean something.
  fileprivate var isAboutTask: Bool { self == .abortTask || self == .queryTask }

  /// Whether the LUN means something (RFC 7143, 11.5.3; RFC 7144, 4.2).
  fileprivate var isAboutUnit: Bool {
    switch self {
    case .targetWarmReset, .targetColdReset, .nexusReset, .taskReassign: false
    default: true
    }
  }

  fileprivate var endsTasks: Bool {
    switch self {
    case .abortTask, .abortTaskSet, .clearTaskSet, .logicalUnitReset, .targetWarmReset,
      .targetColdReset, .nexusReset:
      true
    case .clearACA, .taskReassign, .queryTask, .queryTaskSet, .queryAsynchronousEvent: false
    }
  }

  fileprivate var isReset: Bool {
    switch self {
    case .logicalUnitReset, .targetWarmReset, .targetColdReset, .nexusReset: true
    default: false
    }
  }

  /// Whether a session may send it.
  fileprivate func isAllowed(by parameters: NegotiatedParameters) -> Bool {
    switch self {
    // Tasks are reassigned where connections are recovered (RFC 7143, 7.2.2).
    case .taskReassign: parameters.errorRecoveryLevel >= 2
    case .queryTask, .queryTaskSet, .nexusReset, .queryAsynchronousEvent:
      parameters.iSCSIProtocolLevel >= 2
    default: true
    }
  }
}
