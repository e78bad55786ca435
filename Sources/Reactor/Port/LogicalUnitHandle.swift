/// A LUN file's place in the reactor's table, and with it the file's node number in FUSE.
///
/// A LUN whose identity changes gets a new generation and so a new inode.
package struct LogicalUnitHandle: BitwiseCopyable, Hashable, Sendable {
  package var index: UInt16
  package var generation: UInt16

  package init(index: UInt16, generation: UInt16) {
    self.index = index
    self.generation = generation
  }

  /// Node numbers from here on are LUN files; smaller ones belong to the tree.
  private static let firstNodeID: UInt64 = 1 << 48

  /// The FUSE node number of the LUN's file.
  package var nodeID: UInt64 { Self.firstNodeID | UInt64(generation) << 16 | UInt64(index) }

  /// The handle behind a node number, nil when the node is no LUN file.
  package init?(nodeID: UInt64) {
    guard nodeID >> 32 == Self.firstNodeID >> 32 else { return nil }
    index = UInt16(truncatingIfNeeded: nodeID)
    generation = UInt16(truncatingIfNeeded: nodeID >> 16)
  }
}
