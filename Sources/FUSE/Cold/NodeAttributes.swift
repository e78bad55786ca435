/// What `stat` shows of a node, and how long the kernel may believe it.
package struct NodeAttributes: Equatable, Sendable {
  package enum Kind: Equatable, Sendable {
    case directory
    case regular
    case symbolicLink
  }

  package var node: NodeNumber
  package var kind: Kind
  /// The nine bits that `chmod` would set.
  package var permissions: UInt16
  package var sizeBytes: UInt64
  /// What `st_blocks` counts, in bytes.
  package var allocatedBytes: UInt64
  /// `st_blksize`.
  package var preferredTransferBytes: UInt32
  package var userID: UInt32
  package var groupID: UInt32
  /// All three times, in seconds of the epoch.
  package var timeSeconds: Int64
  /// 0: ask again each time.
  package var validSeconds: Double

  package init(
    node: NodeNumber, kind: Kind, permissions: UInt16, sizeBytes: UInt64, allocatedBytes: UInt64,
    preferredTransferBytes: UInt32 = 4096, userID: UInt32, groupID: UInt32, timeSeconds: Int64,
    validSeconds: Double
  ) {
    self.node = node
    self.kind = kind
    self.permissions = permissions
    self.sizeBytes = sizeBytes
    self.allocatedBytes = allocatedBytes
    self.preferredTransferBytes = preferredTransferBytes
    self.userID = userID
    self.groupID = groupID
    self.timeSeconds = timeSeconds
    self.validSeconds = validSeconds
  }
}

/// A lookup's answer: the node behind a name, and how long the name leads to it.
package struct NodeEntry: Equatable, Sendable {
  package var attributes: NodeAttributes
  package var validSeconds: Double

  package init(attributes: NodeAttributes, validSeconds: Double) {
    self.attributes = attributes
    self.validSeconds = validSeconds
  }
}
