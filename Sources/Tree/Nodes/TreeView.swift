import ControlPlane
import Reactor

/// Everything the tree is made of at one moment.
struct TreeView: Sendable {
  var snapshot: InitiatorSnapshot
  var links: TreeLinks
  var channel: RequestChannel
  var version: String
  var rootLastError: String

  /// What lies at a path, nil when there is nothing any more.
  func entry(at path: TreePath) -> TreeEntry? {
    var entry = TreeEntry.directory(RootDirectory(view: self))
    for component in path.components {
      guard case .directory(let directory) = entry,
        let next = directory.entry(named: component)
      else { return nil }
      entry = next
    }
    return entry
  }
}
