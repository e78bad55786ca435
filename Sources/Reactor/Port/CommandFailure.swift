package import SCSI

/// Why a call on a LUN file got an error, where its session and the way to the target are well.
package struct CommandFailure: Equatable, Sendable {
  package enum Cause: Equatable, Sendable {
    /// The target ended the command so, with sense data unless it sent none of use.
    case ended(SCSIFailure, SenseData?)
    /// Its answer, or its turn, did not come within the time I/O may wait.
    case unanswered
    /// A write of the same blocks before it did not end within that time.
    case heldUp
    /// The target rejected the PDU.
    case rejected
    /// Blocks that were written before have not reached the medium, and an fsync has told so.
    case writesLost
  }

  package var cause: Cause
  /// The call's last command, which may not have been sent; nil where its turn never came.
  package var command: CommandDescriptorBlock?

  package init(_ cause: Cause, of command: CommandDescriptorBlock?) {
    self.cause = cause
    self.command = command
  }
}

extension CommandFailure: CustomStringConvertible {
  /// One sentence: `READ(16) at block 8: The medium has an unrecoverable error (MEDIUM ERROR 11/00,
  /// block 9)`.
  package var description: String {
    guard let command else { return words }
    let place = command.logicalBlockAddress.map { " at block \($0)" } ?? ""
    return "\(command.operationCode)\(place): \(words)"
  }

  private var words: String {
    switch cause {
    case .ended(let failure, nil): "\(failure)"
    case .ended(let failure, let sense?):
      "\(failure) (\(sense.key) \(sense.additionalSense)"
        + (sense.information.map { ", block \($0))" } ?? ")")
    case .unanswered: "no answer in the time I/O may wait"
    case .heldUp:
      "a write of the same blocks before it has not ended in the time I/O may wait"
    case .rejected: "the target rejected the command"
    case .writesLost: "blocks written before have not reached the medium"
    }
  }
}
