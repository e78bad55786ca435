/// What the kernel calls a file by (`nodeid`): given by a lookup, taken back by a forget.
package struct NodeNumber: RawRepresentable, BitwiseCopyable, Hashable, Sendable {
  package var rawValue: UInt64

  package init(rawValue: UInt64) {
    self.rawValue = rawValue
  }

  /// FUSE_ROOT_ID: the mount point itself.
  package static let root = NodeNumber(rawValue: 1)
}
