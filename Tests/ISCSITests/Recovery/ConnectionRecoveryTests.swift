import ISCSI
import Testing
import Wire

/// RFC 7143, 7.2.2, 11.6.1 and 11.15: what follows from each answer.
@Suite("The recovery of a connection")
struct ConnectionRecoveryTests {
  private static let zero = SerialNumber(rawValue: 0)

  private func response(
    _ code: LogoutResponse.Response, wait: UInt16 = 3, retain: UInt16 = 20
  ) -> LogoutResponse {
    LogoutResponse(
      response: code, initiatorTaskTag: .reserved, statSN: Self.zero, expCmdSN: Self.zero,
      maxCmdSN: Self.zero, time2Wait: wait, time2Retain: retain)
  }

  private func loggingOut() -> ConnectionRecovery {
    var recovery = ConnectionRecovery()
    recovery.begin(hasAnother: true)
    recovery.sentLogout()
    return recovery
  }

  private func reassigning(retain: UInt16 = 20) -> ConnectionRecovery {
    var recovery = loggingOut()
    _ = recovery.take(response(.closed, retain: retain))
    recovery.waited()
    return recovery
  }

  @Test("E13 its tasks go on after the Time2Wait of the Logout Response")
  func logout() {
    var recovery = loggingOut()
    #expect(recovery.take(response(.closed)) == .loggedOut(afterSeconds: 3))
    #expect(recovery.step == .waitingToReassign)
    recovery.waited()
    #expect(recovery.step == .reassigning)
    for code: LogoutResponse.Response in [
      .connectionIDNotFound, .recoveryNotSupported, .cleanupFailed,
    ] {
      var recovery = loggingOut()
      #expect(recovery.take(response(code)) == .giveUp)
    }
  }

  @Test("E13 what the target never had is sent again, what it has is reassigned")
  func ways() {
    let expected = SerialNumber(rawValue: 0)
    let (had, never) = (SerialNumber(rawValue: .max), SerialNumber(rawValue: 0))
    #expect(reassigning().way(of: had, expCmdSN: expected) == .reassign)
    #expect(reassigning().way(of: never, expCmdSN: expected) == .retry)
    #expect(reassigning(retain: 0).way(of: had, expCmdSN: expected) == .sendAnew)
    #expect(reassigning(retain: 0).way(of: never, expCmdSN: expected) == .retry)
  }

  @Test("E14, E15 no such task: anew; not supported or rejected: the session is recovered")
  func answers() {
    var recovery = reassigning()
    #expect(recovery.take(.functionComplete) == .goesOn)
    #expect(recovery.take(.taskDoesNotExist) == .sendAnew)
    for code in [
      TaskManagementResponse.Response.logicalUnitDoesNotExist,
      .taskAllegianceReassignmentNotSupported, .functionNotSupported,
      .functionAuthorizationFailed, .functionSucceeded, .functionRejected,
    ] {
      #expect(recovery.take(code) == .giveUp)
    }
    #expect(recovery.take(nil as TaskManagementResponse.Response?) == .giveUp)
  }

  @Test("E14 still allegiant: logged out once more, and no third time")
  func stillAllegiant() {
    var recovery = reassigning()
    #expect(recovery.take(.taskStillAllegiant) == .logOutAgain)
    // The second of two that were asked for at once.
    #expect(recovery.take(.taskStillAllegiant) == .logOutAgain)
    #expect(recovery.step == .waitingToLogOut)
    recovery.sentLogout()
    #expect(recovery.take(response(.connectionIDNotFound)) == .loggedOut(afterSeconds: 0))
    recovery.waited()
    #expect(recovery.take(.taskStillAllegiant) == .giveUp)
  }

  @Test("E16 a login with its CID logs it out; nothing else can afterwards")
  func implicit() {
    var recovery = ConnectionRecovery()
    recovery.begin(hasAnother: false)
    #expect(recovery.step == .awaitingLogin)
    recovery.loggedIn()
    #expect(recovery.step == .reassigning)
    #expect(recovery.take(.taskStillAllegiant) == .giveUp)
    recovery.end()
    #expect(recovery.step == .idle)
  }

  @Test("a Logout whose own connection is lost goes out on another")
  func carrier() {
    var recovery = loggingOut()
    recovery.lostLogout()
    #expect(recovery.step == .waitingToLogOut)
    recovery.sentLogout()
    _ = recovery.take(response(.closed))
    recovery.lostLogout()
    #expect(recovery.step == .waitingToReassign)
  }
}
