package import Reactor

/// What changed in the snapshot, told after the change, so that the kernel looks again.
package enum TreeChange: Equatable, Sendable {
  /// Targets came or went, or any of their sessions, connections or portals.
  case targetsChanged
  /// LUN files of the target in this directory came, went or became others.
  case logicalUnitsChanged(target: String)
  /// A LUN file's size or write protection is another.
  case capacityChanged(LogicalUnitHandle)
}
