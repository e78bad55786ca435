/// Why a task is to be sent again, which decides how often and how soon.
package enum RetryReason: UInt8, BitwiseCopyable, Hashable, Sendable {
  /// Something changed on the logical unit; the sense data say what (SAM-5, 5.14).
  case unitAttention

  /// The logical unit is not ready yet and says it will be.
  case becomingReady

  /// The logical unit waits for START STOP UNIT with START set (04/02).
  case initializingCommandRequired

  /// The device server ended the command itself, a transport CRC error among the causes.
  case abortedCommand

  /// The error reported is an earlier command's, whose failure the next flush must tell.
  case deferredError

  /// CHECK CONDITION came without sense data that could be read.
  case senseMissing

  case busy
  case taskSetFull

  /// An auto contingent allegiance is to be cleared first (SAM-5, 5.10).
  case acaActive

  /// Another initiator's task management function ended the task (SAM-5, 5.6).
  case taskAborted
}

extension RetryReason {
  /// True when sending again at once would meet the same answer: wait, longer each time.
  @inlinable
  package var needsBackoff: Bool {
    switch self {
    case .becomingReady, .initializingCommandRequired, .busy, .taskSetFull: true
    case .unitAttention, .abortedCommand, .deferredError, .senseMissing, .acaActive,
      .taskAborted:
      false
    }
  }

  /// How many times the same task is sent again for this reason; nil leaves it to the deadline.
  ///
  /// A unit attention is reported once each, and a device queues one per event: far fewer than 32.
  @inlinable
  package var retryLimit: Int? {
    switch self {
    case .unitAttention: 32
    case .abortedCommand, .deferredError, .senseMissing, .acaActive, .taskAborted: 5
    case .becomingReady, .initializingCommandRequired, .busy, .taskSetFull: nil
    }
  }

  /// What the caller is told when the tries or the time have run out.
  @inlinable
  package var failureWhenExhausted: SCSIFailure {
    switch self {
    case .becomingReady, .initializingCommandRequired: .notReady
    case .unitAttention, .abortedCommand, .taskAborted, .acaActive: .aborted
    case .deferredError, .senseMissing, .busy, .taskSetFull: .other
    }
  }
}
