import FUSE
import SystemPackage

@testable import ControlPlane
@testable import Tree

/// Goes through a tree as the kernel does: by lookups, opens, reads and releases.
struct Walker {
  let source: FakeSource
  let tree: Tree

  init(_ targets: [TargetSnapshot], cacheMode: CacheMode = .read, modeMask: UInt16 = 0) throws {
    source = FakeSource(Fixtures.initiator(targets))
    tree = Tree(
      source: source,
      options: TreeOptions(
        userID: 1000, groupID: 100, modeMask: modeMask, cacheMode: cacheMode,
        version: "iscsifs 0.1", startSeconds: 1_700_000_000),
      notifier: try KernelNotifier())
  }

  func attributes(_ path: String) async throws(Errno) -> NodeAttributes {
    var attributes = try await tree.attributes(of: .root)
    for name in path.split(separator: "/") {
      attributes = try await tree.lookup(String(name), in: attributes.node).attributes
    }
    return attributes
  }

  func names(_ path: String) async throws(Errno) -> [String] {
    let directory = try await tree.openDirectory(try await attributes(path).node)
    let names = try await tree.items(of: directory).map { $0.name }
    await tree.releaseDirectory(directory)
    return Array(names.dropFirst(2))
  }

  func open(_ path: String, flags: UInt32 = 0) async throws(Errno) -> (OpenedFile, NodeNumber) {
    let node = try await attributes(path).node
    return (try await tree.open(node, flags: OpenFlags(rawValue: flags)), node)
  }

  func read(_ path: String) async throws(Errno) -> String {
    let (file, node) = try await open(path)
    let bytes = try await tree.read(file.number, offset: 0, count: 65_536)
    await tree.release(file.number, of: node)
    return String(decoding: bytes, as: UTF8.self)
  }

  func write(_ text: String, to path: String) async throws(Errno) {
    let (file, node) = try await open(path, flags: 1)
    let bytes = [UInt8](text.utf8)
    do throws(Errno) {
      try await tree.write(
        Array(bytes.prefix(ColdLimits.writtenBytes)), byteCount: bytes.count, to: file.number,
        offset: 0)
    } catch {
      await tree.release(file.number, of: node)
      throw error
    }
    await tree.release(file.number, of: node)
  }
}
