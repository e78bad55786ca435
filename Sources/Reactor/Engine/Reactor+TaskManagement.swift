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
    guard let session = find(request.session), sessions[session].isUp,
      var connection = primaryConnection(of: session)
    else {
      return continuation.resume(returning: .notConnected)
    }
    let parameters = connections[connection].machine.parameters
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
      connection = Int(slots[slot].connection)
    }
    guard
      let index = send(
        request.function, lun: lun, task: request.task, refCmdSN: refCmdSN,
        timeoutMilliseconds: request.timeoutMilliseconds, connection: connection)
    else {
      return continuation.resume(returning: .busy)
    }
    managements[index].continuation = continuation
  }

  /// Queues a function's request; its place, nil where there is none free or no room to send.
  ///
  /// - Parameters:
  ///   - lun: zero where the function is about none.
  ///   - task, refCmdSN: the task it is about, where it is about one.
  ///   - expDataSN: what of a task to be reassigned has come.
  ///   - connection: where it is sent: the task's, where it is about one (RFC 7143, 11.5.1).
  mutating func send(
    _ function: TaskManagementRequest.Function, lun: LogicalUnitNumber, task: InitiatorTaskTag,
    refCmdSN: SerialNumber, expDataSN: UInt32 = 0, timeoutMilliseconds: UInt64, connection: Int
  ) -> Int? {
    guard let index = freeManagement(), connections[connection].transmit.hasRoomForManagement
    else { return nil }
    let session = Int(connections[connection].session)
    managementCount += 1
    managements[index].isBusy = true
    managements[index].isEscalation = false
    managements[index].isMoot = false
    managements[index].generation &+= 1
    managements[index].session = UInt16(session)
    managements[index].connection = UInt16(connection)
    managements[index].function = function
    managements[index].lun = lun
    managements[index].task =
      function.isAboutTask || function == .taskReassign ? task : .reserved
    managements[index].cmdSN = sessions[session].window.cmdSN
    managements[index].deadline = now &+ timeoutMilliseconds &* Interval.millisecond
    nextTick = min(nextTick, managements[index].deadline)
    let pdu = TaskManagementRequest(
      function: function, logicalUnit: lun,
      initiatorTaskTag: managements[index].tag(index: index),
      referencedTaskTag: managements[index].task, cmdSN: managements[index].cmdSN,
      expStatSN: connections[connection].machine.expStatSN, refCmdSN: refCmdSN,
      expDataSN: expDataSN)
    unsafe connections[connection].transmit.append(
      pdu.header, parameters: connections[connection].machine.parameters)
    connectionsToPump |= 1 << UInt64(connection)
    return index
  }

  /// Has the target end the contingent allegiance that kept a slot's command away, unless it owes
  /// the answer to another of its kind (RFC 7143, 11.5.1; SAM-5, 5.10).
  ///
  /// Nobody waits for the answer: the command that comes next tells whether it helped. Half of the
  /// places are for what somebody waits for, whatever targets say.
  mutating func clearACA(_ slot: Int) {
    let session = Int(slots[slot].session)
    guard sessions[session].isUp, let connection = primaryConnection(of: session),
      managementCount < ManagementTask.capacity / 2
    else { return }
    for index in 0..<managements.count
    where managements[index].isBusy && managements[index].function == .clearACA
      && managements[index].session == UInt16(session)
    {
      return
    }
    let index = send(
      .clearACA, lun: slots[slot].lun, task: .reserved, refCmdSN: SerialNumber(rawValue: 0),
      timeoutMilliseconds: sessions[session].timeouts.abortMilliseconds, connection: connection)
    if let index { managements[index].isMoot = true }
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

  /// The slot whose task with this tag was sent on the connection: no other answers for it.
  func slotInFlight(_ tag: InitiatorTaskTag, connection: Int) -> Int? {
    let slot = Int(tag.rawValue & 0xFFFF)
    guard slot < slots.count, slots[slot].stage == .inFlight,
      slots[slot].connection == UInt16(connection), slots[slot].tag(index: slot) == tag
    else { return nil }
    return slot
  }

  /// The place of the function with this tag that is under way on the connection.
  func management(_ tag: InitiatorTaskTag, connection: Int) -> Int? {
    let index = Int(tag.rawValue & 0xFFFF) - ManagementTask.firstTag
    guard index >= 0, index < managements.count, managements[index].isBusy,
      managements[index].connection == UInt16(connection),
      managements[index].tag(index: index) == tag
    else { return nil }
    return index
  }

  /// The target has answered a function: the tasks it ended are answered here.
  mutating func receive(
    _ response: TaskManagementResponse, connection: Int
  ) throws(ProtocolViolation) {
    let tag = response.header.initiatorTaskTag
    guard let index = management(tag, connection: connection) else {
      throw .unknownTask(.taskManagementResponse, tag)
    }
    try connections[connection].machine.advanceStatus(from: response.header)
    let function = managements[index].function
    guard function != .taskReassign else {
      return conclude(reassignment: index, response.response)
    }
    let outcome: TaskManagementOutcome
    switch response.response {
    case .functionComplete: outcome = .complete
    case .taskDoesNotExist where function.isAboutTask: outcome = .complete
    case .functionSucceeded where function.isQuery: outcome = .succeeded
    case let refusal: outcome = .refused(refusal)
    }
    conclude(management: index, outcome)
  }

  /// A function has its outcome: its tasks end, or the ladder goes on.
  mutating func conclude(management index: Int, _ outcome: TaskManagementOutcome) {
    let ended = managements[index]
    let session = Int(ended.session)
    guard ended.function != .taskReassign else { return conclude(reassignment: index, nil) }
    let isRung = sessions[session].escalation == index
    end(management: index, outcome)
    if isRung, outcome != .complete { climb(from: ended, after: .refused) }
    guard outcome == .complete, ended.function.endsTasks else { return }
    endTasks(of: ended, session: session)
    guard ended.function.isReset else { return }
    excuseManagements(endedBy: ended)
    suspect(Suspicion(ended.function, lun: ended.lun, through: handle(of: session)))
  }

  /// A unit that was reset need not answer what it was asked before: no reason to lose the session.
  private mutating func excuseManagements(endedBy ended: ManagementTask) {
    for index in 0..<managements.count
    where managements[index].isBusy && managements[index].session == ended.session
      && !managements[index].function.isReset && managements[index].function != .taskReassign
      && (ended.function != .logicalUnitReset || managements[index].lun == ended.lun)
    {
      managements[index].isMoot = true
    }
  }

  /// Frees a function's place and tells who waits.
  mutating func end(management index: Int, _ outcome: TaskManagementOutcome) {
    managements[index].isBusy = false
    managementCount -= 1
    let session = Int(managements[index].session)
    if sessions[session].escalation == index { sessions[session].escalation = nil }
    managements[index].continuation.take()?.resume(returning: outcome)
  }

  /// Ends what a function has ended at the target and what was not answered before it, in the
  /// order the tasks were sent in.
  private mutating func endTasks(of ended: ManagementTask, session: Int) {
    while let slot = firstConcerned(by: ended, session: session) {
      leave(slot, connection: Int(slots[slot].connection))
      if slots[slot].kind == .control {
        finishControl(slot, .aborted)
      } else if slots[slot].isAnswered {
        end(slot)
      } else if ended.function.isReset || ended.isEscalation {
        // Nobody asked for these tasks to fail: they are sent again.
        complete(slot, status: .taskAborted, sense: nil, isWhole: false)
      } else {
        finish(slot, error: slots[slot].isInterrupted ? .interrupted : .ioError)
      }
    }
  }

  private func firstConcerned(by ended: ManagementTask, session: Int) -> Int? {
    var first: Int?
    for slot in 0..<slots.count
    where slots[slot].kind != .free && slots[slot].stage == .inFlight
      && slots[slot].session == UInt16(session) && concerns(ended, slot)
    {
      if let other = first, !slots[slot].cmdSN.precedes(slots[other].cmdSN) { continue }
      first = slot
    }
    return first
  }

  private func concerns(_ ended: ManagementTask, _ slot: Int) -> Bool {
    if ended.function == .abortTask { return slots[slot].tag(index: slot) == ended.task }
    guard slots[slot].cmdSN.precedes(ended.cmdSN) else { return false }
    return !ended.function.isAboutUnit || slots[slot].lun == ended.lun
  }

  /// The session's connections are gone, and with them every answer.
  mutating func endManagements(session: Int) {
    guard managementCount > 0 else { return }
    for index in 0..<managements.count
    where managements[index].isBusy && managements[index].session == UInt16(session) {
      end(management: index, .sessionLost)
    }
  }

  /// One of the session's connections is gone.
  mutating func endManagements(connection: Int) {
    guard managementCount > 0 else { return }
    for index in 0..<managements.count
    where managements[index].isBusy && managements[index].connection == UInt16(connection) {
      end(management: index, .sessionLost)
    }
  }

  /// Deadlines: who waits is told, the ladder goes on; a target that says nothing is given up.
  mutating func tickManagements() {
    guard managementCount > 0 else { return }
    for index in 0..<managements.count where managements[index].isBusy {
      let deadline = managements[index].deadline
      // Of a reassignment the recovery that asked for it keeps the time.
      let isReassignment = managements[index].function == .taskReassign
      let end = isReassignment ? deadline : deadline &+ Interval.command
      if now >= end, managements[index].isMoot || isReassignment {
        self.end(management: index, .timedOut)
      } else if now >= end {
        lose(session: Int(managements[index].session), .commandTimedOut)
      } else if now >= deadline {
        managements[index].continuation.take()?.resume(returning: .timedOut)
        nextTick = min(nextTick, end)
        guard sessions[Int(managements[index].session)].escalation == index,
          let later = climb(from: managements[index], after: .timedOut)
        else { continue }
        // A late answer to the lower rung still counts, for as long as the upper one has.
        managements[index].deadline = later
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

  /// Whether it only asks, and FUNCTION SUCCEEDED means yes (RFC 7144, 4).
  fileprivate var isQuery: Bool {
    switch self {
    case .queryTask, .queryTaskSet, .queryAsynchronousEvent: true
    default: false
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
    // Tasks are reassigned where connections are recovered, by the reactor itself.
    case .taskReassign: false
    case .queryTask, .queryTaskSet, .nexusReset, .queryAsynchronousEvent:
      parameters.iSCSIProtocolLevel >= 2
    default: true
    }
  }
}
