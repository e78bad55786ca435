import ISCSI
import Reactor
import SystemPackage

/// What people ask of a target's sessions.
extension Target {
  func session(number: Int) throws(ControlError) -> TargetSession {
    guard let session = sessions.first(where: { $0.number == number }) else {
      throw ControlError(
        .socketNotConnected, .sessionNotFound, "\(name) has no session \(number)")
    }
    return session
  }

  /// Closes a session's connection as if it had been lost.
  func dropSession(number: Int) throws(ControlError) {
    context.port.drop(try session(number: number).handle)
  }

  /// Ends one of a session's connections; it comes back when the target may be asked, as any that
  /// the session should have.
  func logOutConnection(
    _ connectionID: UInt16, ofSession number: Int
  ) async throws(ControlError) {
    let what = "connection \(connectionID) of session \(number) of \(name)"
    switch await context.port.closeConnection(connectionID, of: try session(number: number).handle)
    {
    case .closed: return
    case .isLast:
      throw ControlError(
        .resourceBusy, .busy, "\(what) is its only one; log the session out instead")
    case .notConnected:
      throw ControlError(.socketNotConnected, .sessionNotConnected, "\(what) is not logged in")
    case .sessionLost:
      throw ControlError(
        .socketNotConnected, .sessionNotConnected, "\(what): the session was lost over it")
    }
  }

  /// Asks for a sign of life; returns when the target has given it.
  func pingSession(number: Int) async throws(ControlError) {
    let session = try session(number: number)
    switch await context.port.ping(session.handle) {
    case .answered(let nanoseconds):
      let microseconds = nanoseconds / 1000
      tell(session, "NOP-Out answered after \(microseconds) us")
    case .timedOut:
      throw ControlError(
        .timedOut, .pduTimeout, "session \(number) of \(name): its NOP-Out was not answered in time"
      )
    case .sessionLost:
      throw ControlError(
        .timedOut, .transportTimeout,
        "session \(number) of \(name) was lost before its NOP-Out was answered")
    case .notConnected:
      throw ControlError(
        .socketNotConnected, .sessionNotConnected, "session \(number) of \(name) is not logged in")
    case .busy:
      throw ControlError(
        .resourceBusy, .busy, "session \(number) of \(name) has no room for a NOP-Out")
    }
  }

  /// Resets the target, for every initiator; our tasks are sent again.
  ///
  /// A cold reset ends the sessions too, often before its answer: that counts as done.
  func reset(isCold: Bool) async throws(ControlError) {
    guard let session = sessions.first(where: { !$0.isLost }) else {
      throw ControlError(
        .socketNotConnected, .sessionNotConnected, "\(name) is not logged in")
    }
    let function: TaskManagementRequest.Function = isCold ? .targetColdReset : .targetWarmReset
    let outcome = await context.port.manage(
      TaskManagement(
        session: session.handle, function: function,
        timeoutMilliseconds: session.timeouts.targetResetMilliseconds))
    if outcome == .sessionLost, isCold { return tell("\(function.name): session ended") }
    if let error = outcome.error(of: function, at: name.value) { throw error }
    tell("\(function.name) done")
  }

  /// Changes a wait of a session that is logged in, through its losses too.
  func set(
    _ timeout: SessionTimeout, seconds: UInt64?, ofSession number: Int
  ) throws(ControlError) {
    let handle = try session(number: number).handle
    guard let index = sessions.firstIndex(where: { $0.handle == handle }),
      !sessions[index].isLost
    else {
      throw ControlError(.resourceBusy, .busy, "session \(number) of \(name) is not logged in")
    }
    sessions[index].timeouts[timeout] = seconds
    context.port.setTimeouts(handle, sessions[index].timeouts)
    publish()
  }
}

extension TaskManagementOutcome {
  /// Why it is no success, for who asked for `function`; nil where it is one.
  func error(
    of function: TaskManagementRequest.Function, at target: String
  ) -> ControlError? {
    let what = "\(function.name) at \(target)"
    return switch self {
    case .complete, .succeeded: nil
    case .refused(.functionNotSupported):
      ControlError(.notSupportedOnSocket, .operationNotSupported, "\(what) is not supported by it")
    case .refused(.functionAuthorizationFailed):
      ControlError(.permissionDenied, .access, "\(what) is not allowed by it")
    case .refused, .rejected:
      ControlError(.ioError, .invalidManagementRequest, "\(what) was refused")
    case .taskNotFound:
      ControlError(.noSuchFileOrDirectory, .noObjectsFound, "\(what): there is no such task")
    case .notNegotiated:
      ControlError(.notSupportedOnSocket, .operationNotSupported, "\(what) was not negotiated")
    case .notConnected, .sessionLost:
      ControlError(.socketNotConnected, .sessionNotConnected, "\(what): the session was lost")
    case .timedOut: ControlError(.timedOut, .requestTimedOut, "\(what) was not answered in time")
    case .busy: ControlError(.resourceBusy, .busy, "\(what): too many are under way")
    }
  }
}
