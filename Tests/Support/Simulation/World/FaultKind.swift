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
}
