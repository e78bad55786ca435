package import ISCSI
package import SCSI

/// A SCSI command of a session that has no status yet, for `tasks/`.
package struct OutstandingTask: BitwiseCopyable, Equatable, Sendable {
  /// Where it stands.
  package enum State: UInt8, BitwiseCopyable, Sendable {
    /// Waits for its turn, for the command window or for the session.
    case queued
    /// Sent; the target owes the answer.
    case sent
    /// Sent; whoever asked for it no longer waits.
    case abandoned
  }

  /// The tag it has at the target, or will have when it is sent.
  package var tag: InitiatorTaskTag
  package var lun: LogicalUnitNumber
  package var cdb: CommandDescriptorBlock
  /// Expected Data Transfer Length, in bytes.
  package var byteCount: UInt32
  /// Since the request it works for arrived.
  package var ageMilliseconds: UInt64
  package var state: State

  package init(
    tag: InitiatorTaskTag, lun: LogicalUnitNumber, cdb: CommandDescriptorBlock,
    byteCount: UInt32, ageMilliseconds: UInt64, state: State
  ) {
    self.tag = tag
    self.lun = lun
    self.cdb = cdb
    self.byteCount = byteCount
    self.ageMilliseconds = ageMilliseconds
    self.state = state
  }
}
