import FUSE
import Reactor

/// What `stat` shows.
extension Tree {
  /// sysfs' size of an attribute whose length is not known before it is read.
  private static let unknownSizeBytes: UInt64 = 4096

  func attributes(of entry: TreeEntry, at path: TreePath, node: NodeNumber) -> NodeAttributes {
    var attributes = NodeAttributes(
      node: node, kind: .regular, permissions: 0, sizeBytes: 0, allocatedBytes: 0,
      userID: options.userID, groupID: options.groupID, timeSeconds: options.startSeconds,
      validSeconds: path.isDetail ? Self.detailSeconds : Self.attributeSeconds)
    switch entry {
    case .directory:
      attributes.kind = .directory
      // Writable for the owner, so that making a name is our EPERM and not the kernel's EACCES.
      attributes.permissions = 0o755
    case .attribute(let file):
      attributes.permissions = file.permissions
      attributes.sizeBytes = Self.size(of: file)
      attributes.validSeconds = 0
    case .stream(let file):
      // Its size is not known before it is read, as procfs has it.
      attributes.permissions = file.permissions
    case .control(let file):
      attributes.permissions = file.permissions
      attributes.sizeBytes = UInt64(file.usage.utf8.count)
    case .link(let target):
      attributes.kind = .symbolicLink
      attributes.permissions = 0o777
      attributes.sizeBytes = UInt64(target.utf8.count)
      attributes.validSeconds = 0
    case .logicalUnit(let file):
      attributes.permissions = file.isWriteProtected ? 0o400 : 0o600
      attributes.sizeBytes = file.capacityBytes
      attributes.allocatedBytes = file.capacityBytes
      attributes.preferredTransferBytes = file.preferredTransferBytes
    }
    if attributes.kind != .symbolicLink { attributes.permissions &= ~options.modeMask }
    return attributes
  }

  private static func size(of file: AttributeFile) -> UInt64 {
    switch file.content {
    case .rendered(let render): UInt64(render().count)
    // As procfs has it: a size that is too small would cut the reading of who believes it.
    case .report, .loginLog, .metrics, .configuration: 0
    case .counter, .counters, .queueDepth, .task: unknownSizeBytes
    }
  }
}

extension TreeEntry {
  /// The LUN behind a data file.
  var unit: LogicalUnitHandle? {
    if case .logicalUnit(let file) = self { file.handle } else { nil }
  }

  /// Gone at any moment without a notice: its name is believed for none.
  var isFleeting: Bool {
    if case .attribute(let file) = self, case .task = file.content { true } else { false }
  }

  var kind: NodeAttributes.Kind {
    switch self {
    case .directory: .directory
    case .link: .symbolicLink
    case .attribute, .control, .stream, .logicalUnit: .regular
    }
  }
}
