package import Reactor

/// What changed, for whoever keeps names or sizes of the tree.
package enum TreeChange: Equatable, Sendable {
  /// Targets came or went.
  case targetsChanged
  /// LUN files of the target with this directory name came or went.
  case logicalUnitsChanged(target: String)
  /// The file behind the handle has another size.
  case capacityChanged(LogicalUnitHandle)
  /// The file behind the handle may hold other bytes than those read from it.
  case contentsChanged(LogicalUnitHandle)
}
