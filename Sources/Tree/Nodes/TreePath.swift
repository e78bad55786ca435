/// A place in the tree: the names from the mount point down.
struct TreePath: Hashable, Sendable {
  let components: [String]

  static let root = TreePath(components: [])

  init(components: [String]) {
    self.components = components
  }

  func appending(_ name: String) -> TreePath { TreePath(components: components + [name]) }

  var parent: TreePath { TreePath(components: components.dropLast()) }
  var lastName: String { components.last ?? "" }

  /// Deeper than `targets/<iqn>/<name>`.
  var isDetail: Bool { components.count > 3 }
}
