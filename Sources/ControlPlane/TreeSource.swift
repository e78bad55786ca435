package import Reactor
package import SystemPackage

/// What the mounted tree asks of the control plane.
///
/// Targets are named by the `directoryName` of their snapshot, sessions by their number.
package protocol TreeSource: Sendable {
  /// Everything the tree shows, at one moment.
  func snapshot() async -> InitiatorSnapshot

  func perform(_ command: RootCommand) async throws(ControlError)
  func perform(_ command: TargetCommand, target: String) async throws(ControlError)
  func perform(
    _ command: SessionCommand, target: String, session: Int
  ) async throws(ControlError)

  /// EBUSY while a session is logged in.
  func setInitiatorName(_ name: String) async throws(ControlError)

  /// Counts one more open of a LUN file: ENXIO when it is offline, EROFS for writing to a write
  /// protected one, ESTALE when the unit has become another.
  func openLogicalUnit(_ unit: LogicalUnitHandle, writable: Bool) async throws(Errno)

  /// Takes one open back.
  func closeLogicalUnit(_ unit: LogicalUnitHandle) async

  /// A session's numbers, nil when it is not on a reactor.
  func statistics(_ session: SessionHandle) async -> SessionStatistics?

  /// What changes, in order; one reader.
  var changes: AsyncStream<TreeChange> { get }
}
