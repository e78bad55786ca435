import ControlPlane
import Reactor

/// What a name in the tree leads to, at the moment of one snapshot.
enum TreeEntry: Sendable {
  case directory(any TreeDirectory)
  case attribute(AttributeFile)
  case control(ControlFile)
  case stream(StreamFile)
  case link(target: String)
  case logicalUnit(LogicalUnitFile)
}

/// A directory: its names in the order shown, and what each leads to.
protocol TreeDirectory: Sendable {
  var names: [String] { get }

  /// The names with what a listing tells of them.
  var listing: [TreeListing] { get }

  /// What `name` leads to, nil when there is nothing. Finding one costs no more than its search.
  func entry(named name: String) -> TreeEntry?
}

extension TreeDirectory {
  var listing: [TreeListing] {
    names.compactMap { name in
      entry(named: name).map { TreeListing(name: name, kind: $0.kind, unit: $0.unit) }
    }
  }
}
