import ISCSI
import Wire

/// What is decided about a connection that was lost, at ErrorRecoveryLevel 2.
///
/// Source: RFC 7143, 6.3.4, 7.2.1, 7.2.2, 11.6.1 and 11.15.
enum ConnectionRecoveryProperties {
  /// What has happened in one recovery.
  private struct History {
    var isImplicit = false
    /// Logout Requests the target has answered.
    var logouts = 0
    /// The connection is known not to be in use any more.
    var isLoggedOut = false
    /// The target has said that it keeps no task.
    var keepsNothing = false
  }

  static func check(_ input: inout FuzzInput) throws(Disagreement) {
    var recovery = ConnectionRecovery()
    var history = History()
    for _ in 0..<RecoveryProperties.operationLimit where !input.isEmpty {
      try checkWay(recovery, history, &input)
      let choice = input.byte()
      switch recovery.step {
      case .idle:
        history = History(isImplicit: choice & 1 != 0)
        recovery.begin(hasAnother: !history.isImplicit)
        try agree(
          recovery.step, history.isImplicit ? .awaitingLogin : .waitingToLogOut, "first step")
      case .waitingToLogOut:
        try hold(history.logouts < 2 && !history.isImplicit, "logged out twice at most")
        recovery.sentLogout()
        try agree(recovery.step, .loggingOut, "a Logout is under way")
      case .loggingOut where choice & 0xF0 == 0:
        recovery.lostLogout()
        try agree(recovery.step, .waitingToLogOut, "a lost Logout goes out again")
      case .loggingOut:
        guard try answer(&recovery, &history, choice, &input) else { return }
      case .awaitingLogin:
        recovery.loggedIn()
        history.isLoggedOut = true
        try agree(recovery.step, .reassigning, "a login logs out the one before")
      case .waitingToReassign:
        recovery.waited()
        try agree(recovery.step, .reassigning, "Time2Wait has passed")
      case .reassigning where choice & 0xF0 == 0:
        recovery.end()
        try agree(recovery.step, .idle, "it is over")
      case .reassigning:
        guard try conclude(&recovery, &history, choice) else { return }
      }
    }
  }

  /// The Logout Response; false where the session is given up.
  private static func answer(
    _ recovery: inout ConnectionRecovery, _ history: inout History, _ code: UInt8,
    _ input: inout FuzzInput
  ) throws(Disagreement) -> Bool {
    let zero = SerialNumber(rawValue: 0)
    var response = LogoutResponse(
      response: .closed, initiatorTaskTag: .reserved, statSN: zero, expCmdSN: zero, maxCmdSN: zero,
      time2Wait: input.number16(), time2Retain: input.bit() ? input.number16() : 0)
    response.header.byte2 = code & 0x0F
    let isKnownGone = code & 0x0F == 1 && history.logouts == 1
    let isClosed = code & 0x0F == 0
    history.logouts += 1
    switch recovery.take(response) {
    case .giveUp:
      try hold(!isClosed && !isKnownGone, "a connection that is gone can be recovered")
      return false
    case .loggedOut(let seconds):
      try hold(isClosed || isKnownGone, "nothing goes on before the connection is gone: \(code)")
      try agree(recovery.step, .waitingToReassign, "Time2Wait passes")
      if isClosed { history.keepsNothing = response.time2Retain == 0 }
      try agree(
        seconds, isClosed && !history.keepsNothing ? response.time2Wait : 0, "seconds to wait")
      history.isLoggedOut = true
      return true
    }
  }

  /// The answer to a TASK REASSIGN; false where the session is given up.
  private static func conclude(
    _ recovery: inout ConnectionRecovery, _ history: inout History, _ choice: UInt8
  ) throws(Disagreement) -> Bool {
    let code = choice & 0x0F == 0x0F ? 255 : choice & 0x0F
    try hold(history.isLoggedOut, "no task goes on before its connection is gone")
    let outcome = recovery.take(TaskManagementResponse.Response(rawValue: code))
    switch outcome {
    case .goesOn: try agree(code, 0, "a task goes on that was reassigned")
    case .sendAnew: try agree(code, 1, "a task is sent anew that the target does not have")
    case .logOutAgain:
      try hold(code == 3 && !history.isImplicit && history.logouts == 1, "logged out once more")
      try agree(recovery.step, .waitingToLogOut, "the step of it")
      history.isLoggedOut = false
      // Another that was asked for at the same time is answered the same.
      try agree(recovery.take(.taskStillAllegiant), .logOutAgain, "the second answer")
      try agree(recovery.step, .waitingToLogOut, "the step of two answers")
    case .giveUp:
      let mayGoOn = code < 2 || code == 3 && !history.isImplicit && history.logouts < 2
      try hold(!mayGoOn, "a session is given up for code \(code)")
      return false
    }
    return true
  }

  /// A command runs again only where the target cannot have it, or has said that it does not.
  private static func checkWay(
    _ recovery: ConnectionRecovery, _ history: History, _ input: inout FuzzInput
  ) throws(Disagreement) {
    let expected = input.number32()
    let behind = Int32(truncatingIfNeeded: Int(input.byte()) - 128)
    let way = recovery.way(
      of: SerialNumber(rawValue: expected &+ UInt32(bitPattern: behind)),
      expCmdSN: SerialNumber(rawValue: expected))
    let right: ConnectionRecovery.Way =
      behind >= 0 ? .retry : history.keepsNothing && recovery.step != .idle ? .sendAnew : .reassign
    guard recovery.step != .idle else { return }
    try agree(way, right, "how a command goes on that is \(behind) from ExpCmdSN")
  }
}
