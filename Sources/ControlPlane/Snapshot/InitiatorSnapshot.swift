/// Everything the tree shows, at one moment: a value that never changes under its reader.
///
/// Copies are cheap (copy on write). Numbers that move with every command are not in it: ask
/// `Initiator.statistics`.
package struct InitiatorSnapshot: Equatable, Sendable {
  package var initiatorName: String
  /// Sorted by directory name.
  package var targets: [TargetSnapshot]
  /// Grows with every change.
  package var revision: UInt64
}
