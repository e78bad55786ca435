package import ISCSI
package import SystemPackage

/// Why a session's connection was given up.
package enum SessionFailure: Error, Equatable, Sendable {
  /// The target closed the connection.
  case connectionClosed
  /// The socket failed.
  case socket(Errno)
  /// A ping went unanswered.
  case pingTimedOut
  /// The target answers pings but not a command.
  case commandTimedOut
  /// A PDU began to arrive and did not end.
  case unitTimedOut
  /// What was asked for again (SNACK) did not come.
  case recoveryTimedOut
  /// The target did not let a lost connection's tasks go on over another.
  case notReassigned
  /// What arrived was no acceptable PDU.
  case malformed(PDUError)
  /// A PDU arrived that the protocol forbids here.
  case violation(ProtocolViolation)
  /// The target said it drops the connection (Async Message 2 or 3), or asked for a logout (1);
  /// wait `time2WaitSeconds` before coming back.
  case requestedByTarget(time2WaitSeconds: UInt16)
  /// The control plane asked for it (`echo drop`).
  case requestedByUser

  /// Whether it is about one connection, and says nothing of what the session has agreed on.
  var isOfConnection: Bool {
    switch self {
    case .connectionClosed, .socket, .pingTimedOut, .commandTimedOut, .unitTimedOut,
      .recoveryTimedOut, .malformed, .requestedByTarget:
      true
    case .notReassigned, .violation, .requestedByUser: false
    }
  }

  /// The sentence for `last_error`.
  package var sentence: String {
    switch self {
    case .connectionClosed: "the target closed the connection"
    case .socket(let error): "the connection failed: \(error)"
    case .pingTimedOut: "the target did not answer a NOP-Out in time"
    case .commandTimedOut: "the target did not answer a command in time"
    case .unitTimedOut: "the target did not finish a PDU in time"
    case .recoveryTimedOut: "the target did not send again in time what was lost"
    case .notReassigned: "the target did not let the tasks of a lost connection go on"
    case .malformed(let error): error.sentence
    case .violation(let violation): violation.sentence
    case .requestedByTarget: "the target asked for the connection to end"
    case .requestedByUser: "dropped on request"
    }
  }
}
