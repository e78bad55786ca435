package import ISCSI
package import Reactor
package import SCSI
package import SystemPackage

/// All the mounted tree asks of the control plane.
///
/// Targets are named by their directory's name, sessions by their directory's number.
package protocol TreeSource: Sendable {
  /// What the tree shows now; never waits.
  func snapshot() async -> InitiatorSnapshot

  /// How the kernel's requests come.
  var channel: RequestChannel { get }

  /// What changed since, in order; one reader.
  var changes: AsyncStream<TreeChange> { get }

  /// A command of the root's `control`: returns when it is done.
  func perform(_ command: RootCommand) async throws(ControlError)

  /// A command of a target's `control`.
  func perform(_ command: TargetCommand, target: String) async throws(ControlError)

  /// A command of a session's `control`.
  func perform(_ command: SessionCommand, target: String, session: Int) async throws(ControlError)

  /// A command of a LUN's `control`.
  func perform(
    _ command: LogicalUnitCommand, target: String, lun: LogicalUnitNumber
  ) async throws(ControlError)

  /// Shows a command that was refused in the target's `last_error`, until one succeeds.
  func noteRefusal(_ error: ControlError, target: String) async

  /// A target's last logins, for `login_log`; nil when it is no longer known.
  func loginLog(target: String) async -> String?

  /// The settings in iscsid.conf's form, of the mount (nil) or as they are for a target; secrets as
  /// `********`. Nil when the target is no longer known.
  func configuration(target: String?) async -> String?

  /// Changes settings for the logins to come: lines of the same form, all of them or none.
  func configure(_ lines: String, target: String?) async throws(ControlError)

  /// Another initiator name for the logins to come; EBUSY while a session is logged in.
  func setInitiatorName(_ name: String) async throws(ControlError)

  /// Counts an open of a LUN's file, or says why it cannot be opened.
  func openLogicalUnit(_ unit: LogicalUnitHandle, writable: Bool) async throws(Errno)

  /// Takes back one open, which was for writing or not.
  func closeLogicalUnit(_ unit: LogicalUnitHandle, writable: Bool) async

  /// A session's numbers at this moment, nil when it is gone.
  func statistics(_ session: SessionHandle) async -> SessionStatistics?

  /// How many commands a LUN may have in flight now, nil when it is not served.
  func queueDepth(_ unit: LogicalUnitHandle) async -> UInt16?

  /// A line for each event from now on, until the stream is closed.
  func events() async throws(Errno) -> ByteStream

  /// A session's PDUs as a pcap stream, until it is closed or the session ends.
  func capture(_ session: SessionHandle) async throws(Errno) -> ByteStream

  /// A session's commands without a status, nil when it is gone.
  func tasks(_ session: SessionHandle) async -> [OutstandingTask]?

  /// Aborts a task (ABORT TASK): returns when it is over; ENOENT where it is already.
  func abort(_ task: InitiatorTaskTag, of session: SessionHandle) async throws(Errno)
}
