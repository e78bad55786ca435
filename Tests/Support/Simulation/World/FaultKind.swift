/// What goes wrong on purpose. Splitting and delaying bytes is the normal case and not counted.
package enum FaultKind: Int, CaseIterable, Sendable {
  /// Links.
  case linkClosed, linkReset, linkStalled, bitFlipped
  /// The path to the portal, and who answers there.
  case loginRefused, loginLost, lookFailed
  /// The target as a machine.
  case targetPowerLost, targetRestarted
  /// What a target may say.
  case busy, taskSetFull, unitAttention, abortedCommand, taskAborted, targetFailure, shortRead
  case deferredError, senseMissing, logicalUnitReset, windowClosed, logoutRequested
  case connectionsDropped, asyncMessage, rejected, targetPing
  /// What a target may leave out, or do late.
  case silence, slowTask, managementRefused, managementUnanswered
  /// The client.
  case clientPowerLost, callerInterrupted
  /// Several connections, and recovery. What bears a number: not sent, damaged, sent twice; its
  /// acknowledgement is asked for.
  case numberedLost, numberedDamaged, numberedTwice, acknowledgementAsked
  /// A command that does not get through; a window told late.
  case commandDropped, windowToldLate
  /// What was asked for again.
  case snackRefused, snackUnanswered
  /// A connection that may not come, a Logout for recovery, a task to be reassigned.
  case joinRefused, recoveryLogoutRefused, recoveryLogoutUnanswered
  case reassignmentRefused, reassignmentUnanswered, taskGone
}
