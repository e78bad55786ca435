import FUSE
import Reactor

/// A name in a directory and what a listing tells of it.
struct TreeListing: Sendable {
  var name: String
  var kind: NodeAttributes.Kind
  /// The LUN behind a data file, which gives it its node number.
  var unit: LogicalUnitHandle?
}
