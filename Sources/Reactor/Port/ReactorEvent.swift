package import ISCSI
package import SCSI

/// What the reactor tells the control plane unasked.
package enum ReactorEvent: Equatable, Sendable {
  /// The connection is gone; the session's tasks are parked until a handover with the same handle,
  /// or until their deadline, which counts from `silentMilliseconds` before: so long have they
  /// waited for a target that said nothing.
  case sessionLost(SessionHandle, SessionFailure, silentMilliseconds: UInt64 = 0)
  /// One connection of several is lost, and its tasks are going on over the others
  /// (ErrorRecoveryLevel 2); `connectionClosed` or `sessionLost` follows.
  case connectionLost(SessionHandle, connectionID: UInt16, SessionFailure)
  /// The session's only connection is gone; its tasks are at the target, for a connection given by
  /// `rejoin`, until a handover by `start` or their deadline.
  case lastConnectionLost(SessionHandle, SessionFailure, silentMilliseconds: UInt64 = 0)
  /// One connection of several has been logged out, that with this CID, and its place is free; it
  /// may come back after `time2WaitSeconds`.
  case connectionClosed(SessionHandle, connectionID: UInt16, time2WaitSeconds: UInt16)
  /// A unit attention was swallowed; 3F/0E and 2A/09 want action.
  case unitAttention(SessionHandle, LogicalUnitNumber, AdditionalSense)
  /// Async Message 0, 4, 5 or 255; the others become `sessionLost`.
  case asyncMessage(SessionHandle, AsyncMessage.Event, LogicalUnitNumber, AdditionalSense?)
  /// A unit is to be looked at: it waits for START UNIT (04/02), or refuses an address it had
  /// (05/21/00). Told once for each command.
  case unitWantsLook(SessionHandle, LogicalUnitNumber)
  /// A command was not answered in time: this function was sent to end it, or all of the unit's.
  case escalated(SessionHandle, TaskManagementRequest.Function, LogicalUnitNumber)
  /// Calls on a LUN file get an error for this reason.
  case commandFailed(LogicalUnitHandle, CommandFailure)
  /// A unit answered that it does not exist (05/25/00).
  case logicalUnitGone(LogicalUnitHandle)
  /// A range was to be cleared and may be so in part: pages the kernel has of the file may be old.
  case contentsUnknown(LogicalUnitHandle)
  /// The kernel closed /dev/fuse: unmounted or aborted. The loop goes on for
  /// the logouts.
  case unmounted

  /// Nothing else tells the same later.
  var isEssential: Bool {
    switch self {
    case .sessionLost, .lastConnectionLost, .connectionClosed, .contentsUnknown, .unmounted: true
    case .connectionLost, .unitAttention, .asyncMessage, .unitWantsLook, .escalated,
      .commandFailed, .logicalUnitGone:
      false
    }
  }
}
