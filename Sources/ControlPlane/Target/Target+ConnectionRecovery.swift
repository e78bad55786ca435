import ISCSI
import Logging
import Reactor

/// Connections that are lost while their session is not (ErrorRecoveryLevel 2).
///
/// With another connection the reactor recovers by itself. A session's only one is replaced by a
/// login with the session's TSIH and the same CID, which logs the lost one out; what fails by the
/// way, or comes too late, is a session recovered as at level 0.
/// Source: RFC 7143, 6.3.4, 7.2.2, 13.15 and 13.16.
extension Target {
  /// One connection of several is lost, and its tasks go on over the others.
  func connectionLost(
    _ connectionID: UInt16, of handle: SessionHandle, _ failure: SessionFailure
  ) {
    let sentence =
      "connection \(connectionID) lost: \(failure.sentence); its tasks go to the others"
    logger.warning("\(sentence)")
    tell(handle, sentence)
  }

  /// What a login says of the lost session whose connection it replaces; nil where a session of its
  /// own takes the place of all.
  func replacedSession(of session: TargetSession) async -> LoginOrder.JoinedSession? {
    let parameters = session.facts.parameters
    let kept = UInt64(parameters.defaultTime2Wait) + UInt64(parameters.defaultTime2Retain)
    guard session.keepsTasks, let outage = session.outage, outage.elapsed() < .seconds(kept)
    else { return nil }
    let numbers = await context.port.statistics(session.handle)
    return LoginOrder.JoinedSession(
      tsih: session.facts.tsih, parameters: parameters, cmdSN: numbers?.cmdSN ?? 1)
  }

  /// The target does not have a lost session any more, or not for us.
  func giveUpTasks(of handle: SessionHandle, _ error: ControlError) {
    guard let index = sessions.firstIndex(where: { $0.handle == handle }) else { return }
    sessions[index].keepsTasks = false
    let sentence = "its tasks could not go on: \(error.line)"
    logger.warning("session \(sessions[index].number): \(sentence)")
    tell(handle, sentence)
  }
}
