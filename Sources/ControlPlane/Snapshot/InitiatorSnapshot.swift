/// Everything the tree shows, at one moment: a value that never changes under its reader.
///
/// Copies are cheap, and so is a change of one target among many. Numbers that move with every
/// command are not in it: ask `Initiator.statistics`.
package struct InitiatorSnapshot: Equatable, Sendable {
  package var initiatorName: String
  /// By directory name.
  package var targets: SnapshotList<TargetSnapshot>
  /// Grows with every change.
  package var revision: UInt64
}
