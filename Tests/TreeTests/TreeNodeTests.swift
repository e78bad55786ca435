import FUSE
import Reactor
import SystemPackage
import Testing

@testable import ControlPlane
@testable import Tree

/// Nodes that come and go, LUN opens and names that want out.
struct TreeNodeTests {
  private static let lun = "targets/\(Fixtures.iqn)/lun1"

  @Test("A LUN opens cached, or direct with parallel writes when asked for, and closes once")
  func opens() async throws {
    let walker = try Walker([try Fixtures.target()])
    let (cached, node) = try await walker.open(Self.lun, flags: 2)
    #expect(cached.options == [.noFlush])
    let (direct, _) = try await walker.open(Self.lun, flags: 0o40000)
    #expect(direct.options == [.direct, .parallelDirectWrites, .noFlush])
    await walker.tree.release(cached.number, of: node)
    await walker.tree.release(cached.number, of: node)
    #expect(
      await walker.source.told == [
        .opened(Fixtures.disk, writable: true), .opened(Fixtures.disk, writable: false),
        .closed(Fixtures.disk, writable: true),
      ])
  }

  @Test("cache=none is direct for all, cache=writeback flushes at close")
  func cacheModes() async throws {
    let none = try Walker([try Fixtures.target()], cacheMode: .none)
    #expect(
      try await none.open(Self.lun).0.options == [.direct, .parallelDirectWrites, .noFlush])
    let writeback = try Walker([try Fixtures.target()], cacheMode: .writeback)
    #expect(try await writeback.open(Self.lun).0.options.isEmpty)
  }

  @Test(
    "An open the control plane refuses has its errno",
    arguments: [Errno.noSuchAddressOrDevice, .readOnlyFileSystem, .staleNFSFileHandle])
  func refusedOpens(error: Errno) async throws {
    let walker = try Walker([try Fixtures.target()])
    await walker.source.refuseOpens(error)
    await #expect(throws: error) { try await walker.open(Self.lun, flags: 2) }
  }

  @Test("What is gone is ENOENT, what was never given or forgotten is ESTALE")
  func staleNodes() async throws {
    let walker = try Walker([try Fixtures.target()])
    let state = try await walker.attributes("targets/\(Fixtures.iqn)/state").node
    await walker.source.show(Fixtures.initiator([], revision: 2))
    await #expect(throws: Errno.noSuchFileOrDirectory) {
      try await walker.tree.attributes(of: state)
    }
    walker.tree.forget(state, count: 1)
    for node in [state, NodeNumber(rawValue: 99), NodeNumber(rawValue: 1 << 48 | 77)] {
      await #expect(throws: Errno.staleNFSFileHandle) {
        try await walker.tree.attributes(of: node)
      }
    }
  }

  @Test("A LUN that became another has another node, and the old one is ESTALE")
  func changedUnit() async throws {
    let walker = try Walker([try Fixtures.target()])
    let old = try await walker.attributes(Self.lun).node
    let other = LogicalUnitHandle(index: 1, generation: 2)
    let units = [try Fixtures.unit(1, handle: other)]
    await walker.source.show(
      Fixtures.initiator([try Fixtures.target(units: units)], revision: 2))
    await #expect(throws: Errno.staleNFSFileHandle) { try await walker.tree.attributes(of: old) }
    #expect(try await walker.attributes(Self.lun).node.rawValue == other.nodeID)
  }

  @Test("Numbers are the same as long as the kernel knows them, and again afterwards")
  func stableNumbers() async throws {
    let walker = try Walker([try Fixtures.target()])
    let first = try await walker.attributes("status").node
    #expect(try await walker.attributes("status").node == first)
    walker.tree.forget(first, count: 1)
    #expect(try await walker.tree.attributes(of: first).node == first)
    walker.tree.forget(first, count: 1)
    await #expect(throws: Errno.staleNFSFileHandle) {
      try await walker.tree.attributes(of: first)
    }
    #expect(try await walker.attributes("status").node == first)
    #expect(LogicalUnitHandle(nodeID: first.rawValue) == nil)
  }

  @Test(
    "A hostile target name stays one harmless name below targets/",
    arguments: [
      ("../../etc", "..%2F..%2Fetc"), ("..", "%2E%2E"), (".", "%2E"), ("", "%00"),
      ("iqn.a\u{1B}[2Jb", "iqn.a%1B[2Jb"), ("a\0b", "a%00b"), ("/", "%2F"),
    ])
  func hostileNames(name: String, shown: String) async throws {
    let walker = try Walker([try Fixtures.target(name)])
    #expect(try await walker.names("targets") == [shown])
    #expect(try await walker.attributes("targets/\(shown)/lun1").sizeBytes == Fixtures.diskBytes)
    for entry in try await walker.names("by-path") + walker.names("by-id") {
      #expect(!entry.contains("/") && entry != "." && entry != "..")
    }
    try await walker.write("rescan", to: "targets/\(shown)/control")
    #expect(await walker.source.told == [.target(.rescan, name)])
  }

  @Test("A name too long for a directory is left out, and the others are there")
  func longName() async throws {
    let walker = try Walker([
      try Fixtures.target(String(repeating: "x", count: 256)), try Fixtures.target("iqn.b"),
    ])
    #expect(try await walker.names("targets") == ["iqn.b"])
  }

  @Test("A thousand targets are found by name at once")
  func manyTargets() async throws {
    let targets = try (0..<1000).map { try Fixtures.target("iqn.t\($0)", sessions: []) }
    let walker = try Walker(targets)
    #expect(try await walker.names("targets").count == 1000)
    #expect(try await walker.read("targets/iqn.t999/state") == "LOGGED_IN\n")
  }
}
