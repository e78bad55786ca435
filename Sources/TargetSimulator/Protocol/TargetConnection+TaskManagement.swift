import ISCSI
import Wire

/// Task management functions.
///
/// Source: RFC 7143, 11.5 and 11.6; SAM-5, 7.
extension TargetConnection {
  func taskManagement(_ unit: ProtocolDataUnit, in session: SimulatedSession) {
    guard let target = session.target else { return }
    let request = TaskManagementRequest(unit.header)
    let number = unit.header.word1
    var response = TaskManagementResponse.Response.functionComplete
    var reassigned: SimulatedTask?
    switch request.function {
    case .abortTask:
      response = abort(request, in: session)
    case .abortTaskSet:
      response = unitResponse(number, target) { session.endTasks(of: number) }
    case .clearTaskSet:
      response = unitResponse(number, target) {
        for other in target.sessions {
          let hadTasks = other.tasks.contains { $0.value.logicalUnitNumber == number }
          other.endTasks(of: number)
          if other !== session && hadTasks { other.raise(.commandsCleared, number: number) }
        }
      }
    case .logicalUnitReset:
      response = unitResponse(number, target) {
        for other in target.sessions { other.endTasks(of: number) }
        target.raise(.busDeviceReset, number: number)
      }
    case .targetWarmReset, .targetColdReset:
      for other in target.sessions { other.endTasks() }
      target.raise(.powerOnOrReset)
    case .clearACA:
      response = .functionNotSupported
    case .taskReassign:
      (response, reassigned) = reassignment(request, in: session)
    case .queryTask, .queryTaskSet, .nexusReset, .queryAsynchronousEvent, nil:
      // RFC 7144's functions are not simulated.
      response = .functionNotSupported
    }
    send(
      TaskManagementResponse(
        response: response, initiatorTaskTag: unit.header.initiatorTaskTag,
        statSN: takeStatSN(), expCmdSN: session.expCmdSN, maxCmdSN: session.maxCmdSN()
      ).header)
    // Not before it was said (RFC 7143, 7.2.2).
    if let reassigned { resume(reassigned, expDataSN: request.expDataSN, in: session) }
    if request.function == .targetColdReset { target.endSessions() }
  }

  private func unitResponse(
    _ number: UInt64, _ target: SimulatedTarget, _ effect: () -> Void
  ) -> TaskManagementResponse.Response {
    guard target.logicalUnit(number) != nil else { return .logicalUnitDoesNotExist }
    effect()
    return .functionComplete
  }

  private func abort(
    _ request: TaskManagementRequest, in session: SimulatedSession
  ) -> TaskManagementResponse.Response {
    let tag = request.referencedTaskTag
    if let task = session.tasks[tag], task.logicalUnitNumber == request.header.word1 {
      session.tasks[tag] = nil
      return .functionComplete
    }
    return session.removeEarly(tag) ? .functionComplete : .taskDoesNotExist
  }
}
