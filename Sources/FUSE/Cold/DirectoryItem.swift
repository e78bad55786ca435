/// One name in a directory.
package struct DirectoryItem: Equatable, Sendable {
  package var name: String
  package var kind: NodeAttributes.Kind
  /// The inode shown; the kernel looks the name up before it believes more.
  package var node: NodeNumber

  package init(name: String, kind: NodeAttributes.Kind, node: NodeNumber) {
    self.name = name
    self.kind = kind
    self.node = node
  }
}
