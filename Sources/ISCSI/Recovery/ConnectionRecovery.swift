package import Wire

/// What is done about a connection that was lost, at ErrorRecoveryLevel 2: it is logged out for
/// recovery, then each of its tasks goes on over another connection.
///
/// A value without time: the caller waits, sends, and tells what came of it. Whatever the target
/// does not do as it must ends in session recovery (`giveUp`), which needs nothing of it.
/// Source: RFC 7143, 6.3.4, 7.2.1, 7.2.2, 11.6.1 and 11.15.
package struct ConnectionRecovery: BitwiseCopyable, Equatable, Sendable {
  package enum Step: UInt8, BitwiseCopyable, Sendable {
    /// Nothing was lost, or it is over.
    case idle
    /// It is to be logged out over another connection, when DefaultTime2Wait has passed.
    case waitingToLogOut
    /// A Logout Request with reason 2 is under way there.
    case loggingOut
    /// No other connection is there: the login of one with its CID logs it out.
    case awaitingLogin
    /// It is logged out; the target's Time2Wait passes.
    case waitingToReassign
    case reassigning
  }

  /// What follows from a Logout Response.
  package enum LogoutOutcome: Equatable, Sendable {
    /// The tasks may be reassigned after so many seconds.
    case loggedOut(afterSeconds: UInt16)
    case giveUp
  }

  /// How a task goes on once its connection is logged out.
  package enum Way: Equatable, Sendable {
    /// The target never had the command: it is sent again as it was, with its CmdSN, which fills
    /// the hole (7.2.1 allows it on another connection then).
    case retry
    /// TASK REASSIGN.
    case reassign
    /// The target has ended the task: a new command takes its place.
    case sendAnew
  }

  /// What follows from the answer to a TASK REASSIGN.
  package enum Outcome: Equatable, Sendable {
    /// The task has its allegiance to the new connection.
    case goesOn
    case sendAnew
    /// The target has not taken note of the logout: once more, and the task after it.
    case logOutAgain
    case giveUp
  }

  package private(set) var step = Step.idle
  /// The target has discarded the tasks already (Time2Retain 0).
  private var hasLostTasks = false
  private var isImplicit = false
  private var hasLoggedOutAgain = false

  package init() {}

  /// The connection is gone.
  ///
  /// - Parameter hasAnother: a connection of the session goes on that a Logout can be sent on.
  package mutating func begin(hasAnother: Bool) {
    precondition(step == .idle, "a connection is lost once")
    self = ConnectionRecovery()
    isImplicit = !hasAnother
    step = hasAnother ? .waitingToLogOut : .awaitingLogin
  }

  /// The connection was closed in order: the target has ended what it had of its tasks, and never
  /// had what it does not acknowledge (11.14).
  package mutating func closed() {
    precondition(step == .idle, "a connection is closed once")
    self = ConnectionRecovery()
    hasLostTasks = true
    step = .reassigning
  }

  /// Its Logout Request has been queued.
  package mutating func sentLogout() {
    precondition(step == .waitingToLogOut)
    step = .loggingOut
  }

  /// The connection its Logout Request went out on is lost too: another carries it.
  package mutating func lostLogout() {
    if step == .loggingOut { step = .waitingToLogOut }
  }

  /// The target has answered the Logout Request.
  package mutating func take(_ response: LogoutResponse) -> LogoutOutcome {
    precondition(step == .loggingOut)
    switch response.response {
    case .closed:
      hasLostTasks = response.time2Retain == 0
      step = .waitingToReassign
      return .loggedOut(afterSeconds: hasLostTasks ? 0 : response.time2Wait)
    case .connectionIDNotFound where hasLoggedOutAgain:
      // It had gone with the first Logout.
      step = .waitingToReassign
      return .loggedOut(afterSeconds: 0)
    case .connectionIDNotFound, .recoveryNotSupported, .cleanupFailed, nil: return .giveUp
    }
  }

  /// Another connection has been logged in with its CID, which logs it out (6.3.4).
  package mutating func loggedIn() {
    precondition(step == .awaitingLogin)
    step = .reassigning
  }

  /// Time2Wait has passed.
  package mutating func waited() {
    precondition(step == .waitingToReassign)
    step = .reassigning
  }

  /// How the task goes on whose command has this number.
  ///
  /// - Parameter expCmdSN: as the target told it when the connection was logged out, or later.
  package func way(of cmdSN: SerialNumber, expCmdSN: SerialNumber) -> Way {
    guard cmdSN.precedes(expCmdSN) else { return .retry }
    return hasLostTasks ? .sendAnew : .reassign
  }

  /// The target has answered a TASK REASSIGN, with nil for a code that is none.
  package mutating func take(_ response: TaskManagementResponse.Response?) -> Outcome {
    switch response {
    case .functionComplete: return .goesOn
    // Its connection is logged out and the target has no such task: nothing of it can run later.
    case .taskDoesNotExist: return .sendAnew
    case .taskStillAllegiant:
      // A CID that is in use again cannot be logged out for the one that had it.
      guard !isImplicit else { return .giveUp }
      // Those asked for together are refused together.
      guard step == .reassigning else { return .logOutAgain }
      guard !hasLoggedOutAgain else { return .giveUp }
      hasLoggedOutAgain = true
      step = .waitingToLogOut
      return .logOutAgain
    case .logicalUnitDoesNotExist, .taskAllegianceReassignmentNotSupported, .functionNotSupported,
      .functionAuthorizationFailed, .functionSucceeded, .functionRejected, nil:
      return .giveUp
    }
  }

  /// None of its tasks is left.
  package mutating func end() { step = .idle }
}
