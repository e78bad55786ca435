import ISCSI
import Wire

/// Task management functions.
///
/// Source: RFC 7143, 11.5 and 11.6; RFC 7144, 4; SAM-5, 7.
extension TargetConnection {
  func taskManagement(_ unit: ProtocolDataUnit, in session: SimulatedSession) {
    guard let target = session.target else { return }
    let request = TaskManagementRequest(unit.header)
    let number = unit.header.word1
    let response: TaskManagementResponse.Response
    var reassigned: SimulatedTask?
    if request.function == .taskReassign {
      (response, reassigned) = reassignment(request, in: session)
    } else {
      response =
        target.takeManagementAnswer() ?? perform(request, on: number, of: target, in: session)
    }
    send(
      TaskManagementResponse(
        response: response, initiatorTaskTag: unit.header.initiatorTaskTag,
        statSN: takeStatSN(), expCmdSN: session.expCmdSN, maxCmdSN: session.maxCmdSN()
      ).header)
    // Not before it was said (RFC 7143, 7.2.2).
    if let reassigned { resume(reassigned, expDataSN: request.expDataSN, in: session) }
    if request.function == .targetColdReset, response == .functionComplete {
      target.endSessions()
    }
  }

  /// What a function does to the task sets, and what is said of it.
  private func perform(
    _ request: TaskManagementRequest, on number: UInt64, of target: SimulatedTarget,
    in session: SimulatedSession
  ) -> TaskManagementResponse.Response {
    switch request.function {
    case .abortTask:
      return abort(request, in: session)
    case .abortTaskSet:
      return unitResponse(number, target) { _ in session.endTasks(of: number) }
    case .clearTaskSet:
      return unitResponse(number, target) { _ in clearTaskSet(of: number, target, for: session) }
    case .clearACA:
      guard target.logicalUnit(number)?.configuration.supportsACA != false else {
        return .functionNotSupported
      }
      return unitResponse(number, target) { _ in session.unitsInACA.remove(number) }
    case .logicalUnitReset:
      return unitResponse(number, target) { _ in
        for other in target.sessions {
          other.endTasks(of: number)
          other.unitsInACA.remove(number)
        }
        target.raise(.busDeviceReset, number: number)
      }
    case .targetWarmReset, .targetColdReset:
      for other in target.sessions {
        other.endTasks()
        other.unitsInACA = []
      }
      target.raise(.powerOnOrReset)
      return .functionComplete
    case .taskReassign, nil:
      return .functionNotSupported
    case .queryTask, .queryTaskSet, .nexusReset, .queryAsynchronousEvent:
      guard session.parameters.iSCSIProtocolLevel >= 2 else { return .functionNotSupported }
      return performNewer(request, on: number, of: target, in: session)
    }
  }

  /// The functions of RFC 7144: FUNCTION SUCCEEDED says that what was asked for is there.
  private func performNewer(
    _ request: TaskManagementRequest, on number: UInt64, of target: SimulatedTarget,
    in session: SimulatedSession
  ) -> TaskManagementResponse.Response {
    let isThere: Bool
    switch request.function {
    case .queryTask:
      let task = session.tasks[request.referencedTaskTag]
      isThere = task?.logicalUnitNumber == number
    case .queryTaskSet:
      isThere = session.tasks.contains { $0.value.logicalUnitNumber == number }
    case .queryAsynchronousEvent:
      isThere = session.hasUnitAttention(number: number)
    default:
      // I_T NEXUS RESET is about every unit.
      session.endTasks()
      session.unitsInACA = []
      for unit in target.logicalUnits.keys { session.raise(.nexusLoss, number: unit) }
      return .functionComplete
    }
    return unitResponse(number, target) { $0 = isThere ? .functionSucceeded : .functionComplete }
  }

  private func clearTaskSet(
    of number: UInt64, _ target: SimulatedTarget, for session: SimulatedSession
  ) {
    for other in target.sessions {
      let hadTasks = other.tasks.contains { $0.value.logicalUnitNumber == number }
      other.endTasks(of: number)
      if other !== session && hadTasks { other.raise(.commandsCleared, number: number) }
    }
  }

  private func unitResponse(
    _ number: UInt64, _ target: SimulatedTarget,
    _ effect: (inout TaskManagementResponse.Response) -> Void
  ) -> TaskManagementResponse.Response {
    guard target.logicalUnit(number) != nil else { return .logicalUnitDoesNotExist }
    var response = TaskManagementResponse.Response.functionComplete
    effect(&response)
    return response
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
