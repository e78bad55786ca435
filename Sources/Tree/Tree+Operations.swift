import ControlPlane
package import FUSE
import Reactor
import Synchronization
package import SystemPackage

extension Tree: FileSystemOperations {
  package func lookup(_ name: String, in parent: NodeNumber) async throws(Errno) -> NodeEntry {
    let (path, entry) = try await resolve(parent)
    guard case .directory(let directory) = entry else { throw .notDirectory }
    guard let child = directory.entry(named: name), await isThere(child) else {
      throw .noSuchFileOrDirectory
    }
    let place = path.appending(name)
    guard let node = nodes.withLock({ $0.lookUp(name, in: parent, unit: child.unit) }) else {
      throw .staleNFSFileHandle
    }
    return NodeEntry(
      attributes: attributes(of: child, at: place, node: node),
      validSeconds: child.isFleeting ? 0 : place.isDetail ? Self.detailSeconds : Self.nameSeconds)
  }

  package func forget(_ node: NodeNumber, count: UInt64) {
    nodes.withLock { $0.forget(node, count: count) }
  }

  package func attributes(of node: NodeNumber) async throws(Errno) -> NodeAttributes {
    let (path, entry) = try await resolve(node)
    return attributes(of: entry, at: path, node: node)
  }

  /// Times are taken and not kept; nothing else can be changed but by commands.
  package func setAttributes(
    _ changes: AttributeChanges, of node: NodeNumber
  ) async throws(Errno) -> NodeAttributes {
    let (path, entry) = try await resolve(node)
    guard changes.permissions == nil, changes.userID == nil, changes.groupID == nil else {
      throw .notPermitted
    }
    if let size = changes.sizeBytes, !isOpenTruncation(changes, of: entry) {
      try Self.checkTruncation(of: entry, to: size)
    }
    return attributes(of: entry, at: path, node: node)
  }

  package func readLink(_ node: NodeNumber) async throws(Errno) -> String {
    guard case .link(let target) = try await resolve(node).entry else { throw .invalidArgument }
    return target
  }

  package func statistics(of node: NodeNumber) async throws(Errno) -> FileSystemStatistics {
    if case .logicalUnit(let file) = try await resolve(node).entry {
      return FileSystemStatistics(
        blockBytes: file.granularityBytes, fragmentBytes: 512,
        fragmentCount: file.capacityBytes / 512, fileCount: 1)
    }
    var fragmentCount: UInt64 = 0
    var fileCount: UInt64 = 0
    for target in await source.snapshot().targets {
      for unit in target.logicalUnits {
        guard let file = Rendering.file(of: unit) else { continue }
        fragmentCount &+= file.capacityBytes / 4096
        fileCount += 1
      }
    }
    return FileSystemStatistics(
      blockBytes: 4096, fragmentBytes: 4096, fragmentCount: fragmentCount, fileCount: fileCount)
  }

  package func openDirectory(_ node: NodeNumber) async throws(Errno) -> OpenFileNumber {
    guard case .directory(let directory) = try await resolve(node).entry else {
      throw .notDirectory
    }
    let listing = await listing(of: directory)
    let items = nodes.withLock { nodes in
      [
        DirectoryItem(name: ".", kind: .directory, node: node),
        DirectoryItem(name: "..", kind: .directory, node: nodes.parent(of: node)),
      ]
        + listing.map { child in
          DirectoryItem(
            name: child.name, kind: child.kind,
            node: nodes.number(of: child.name, in: node, unit: child.unit))
        }
    }
    return files.withLock { $0.insert(.directory(items)) }
  }

  package func items(of directory: OpenFileNumber) async throws(Errno) -> [DirectoryItem] {
    guard case .directory(let items) = files.withLock({ $0.file(directory) }) else {
      throw .badFileDescriptor
    }
    return items
  }

  package func releaseDirectory(_ directory: OpenFileNumber) async {
    _ = files.withLock { $0.remove(directory) }
  }

  /// O_TRUNC of a LUN where it does not come with the open (`InitAnswer`): it changes nothing.
  ///
  /// `truncate(2)` to nothing looks the same; `ftruncate(2)` names its open file.
  private func isOpenTruncation(_ changes: AttributeChanges, of entry: TreeEntry) -> Bool {
    options.cacheMode == .writeback && entry.unit != nil && changes.sizeBytes == 0
      && !changes.isByOpenFile
  }

  /// `truncate(2)`: the size a file has, or an emptied control file; O_TRUNC comes with the open.
  private static func checkTruncation(of entry: TreeEntry, to size: UInt64) throws(Errno) {
    switch entry {
    case .directory: throw .isDirectory
    case .link: throw .invalidArgument
    case .control: if size != 0 { throw .invalidArgument }
    case .stream: throw .permissionDenied
    case .attribute(let file):
      if file.writes == nil { throw .permissionDenied }
      if size != 0 { throw .invalidArgument }
    case .logicalUnit(let file):
      if size > file.capacityBytes { throw .fileTooLarge }
      if size < file.capacityBytes { throw .notPermitted }
    }
  }
}
