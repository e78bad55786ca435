import FUSE
import Reactor
import Testing

@testable import ControlPlane
@testable import Tree

/// What a change costs in a tree of ten thousand targets, counted.
struct TreeScaleTests {
  private static let count = 10_000

  private static func targets() throws -> [TargetSnapshot] {
    let unit = try Fixtures.unit(1, handle: Fixtures.disk)
    return try (0..<count).map { try Fixtures.target("iqn.t\($0)", units: [unit], sessions: []) }
  }

  @Test("A change of one target is followed for the price of that one")
  func links() async throws {
    let walker = try Walker(try Self.targets())
    let links = walker.tree.links
    #expect(try await walker.names("targets").count == Self.count)
    #expect(try await walker.names("by-path").count == Self.count)
    // All units are the same one: the first target's path is preferred.
    let name = try #require(try await walker.names("by-id").first)
    #expect(try await readLink(walker, "by-id/" + name) == "../targets/iqn.t0/lun1")
    #expect(links.work == Self.count)

    var snapshot = await walker.source.snapshot()
    func show(_ change: (inout TargetSnapshot) throws -> Void) async throws {
      var target = try #require(snapshot.targets["iqn.t0"])
      try change(&target)
      snapshot.targets.put(target)
      snapshot.revision += 1
      await walker.source.show(snapshot)
      await walker.tree.handle(.logicalUnitsChanged(target: "iqn.t0"))
    }
    let opened = try #require(snapshot.targets["iqn.t0"]?.logicalUnits.first)
    try await show { $0.logicalUnits.put(opened.with(openCount: 1)) }
    #expect(links.work == Self.count)
    try await show { $0.state = .recovering }
    #expect(links.work == Self.count + 2)
    #expect(try await readLink(walker, "by-id/" + name) == "../targets/iqn.t1/lun1")
    try await show { $0.logicalUnits = [] }
    #expect(links.work == Self.count + 3)
    #expect(try await walker.names("by-path").count == Self.count - 1)
    snapshot.targets["iqn.t0"] = nil
    snapshot.revision += 1
    await walker.source.show(snapshot)
    #expect(try await walker.names("targets").count == Self.count - 1)
    #expect(links.work == Self.count + 3)
  }

  private func readLink(_ walker: Walker, _ path: String) async throws -> String {
    try await walker.tree.readLink(try await walker.attributes(path).node)
  }

  @Test("What vanishes is named once: files, information and links that nothing else stands for")
  func vanished() throws {
    let links = TreeLinks()
    let disk = try Fixtures.unit(1, handle: Fixtures.disk)
    let other = try Fixtures.unit(2, handle: Fixtures.protected)
    func places(_ revision: UInt64, _ units: [String: [LogicalUnitSnapshot]]) throws -> [String] {
      let targets = try units.map { try Fixtures.target($0.key, units: $0.value) }
      return links.update(to: Fixtures.initiator(targets, revision: revision))
        .map { $0.components.joined(separator: "/") }.sorted()
    }
    #expect(try places(1, ["iqn.a": [disk, other], "iqn.b": [disk]]) == [])
    // An old snapshot changes nothing.
    #expect(try places(1, [:]) == [])
    #expect(
      try places(2, ["iqn.a": [other], "iqn.b": [disk]]) == [
        "by-path/ip-127.0.0.1:3260-iscsi-iqn.a-lun-1", "targets/iqn.a/lun1",
        "targets/iqn.a/lun1.info",
      ])
    var changed = other
    changed.handle = LogicalUnitHandle(index: 2, generation: 2)
    #expect(
      try places(3, ["iqn.a": [changed], "iqn.b": [disk]]) == ["targets/iqn.a/lun2"])
    let identity = try #require(links.names(.byID).first)
    #expect(
      try places(4, ["iqn.a": [changed]]) == [
        "by-id/" + identity, "by-path/ip-127.0.0.1:3260-iscsi-iqn.b-lun-1", "targets/iqn.b",
      ])
  }

  @Test("A directory's node is kept as long as one below it, and all are gone when forgotten")
  func nodes() {
    var table = NodeTable()
    let directory = table.lookUp("targets", in: .root, unit: nil) ?? .root
    let nodes = (0..<Self.count).compactMap { index in
      table.lookUp("iqn.t\(index)", in: directory, unit: nil)
    }
    #expect(Set(nodes).count == Self.count && table.count == Self.count + 1)
    #expect(table.path(of: nodes[77])?.components == ["targets", "iqn.t77"])
    // In whatever order the kernel forgets.
    table.forget(directory, count: 1)
    #expect(table.path(of: nodes[77])?.components == ["targets", "iqn.t77"])
    #expect(table.lookUp("targets", in: .root, unit: nil) == directory)
    table.forget(directory, count: 1)
    for node in nodes { table.forget(node, count: 1) }
    #expect(table.count == 0)
    // A name in a directory that was forgotten meanwhile is refused.
    #expect(table.lookUp("iqn.t0", in: directory, unit: nil) == nil)
    table.forget(directory, count: 1)
    #expect(table.lookUp("targets", in: .root, unit: nil) == directory)
  }

  @Test("The size of the status table is not told: nobody makes it to stat it")
  func status() async throws {
    let walker = try Walker(try Self.targets())
    #expect(try await walker.attributes("status").sizeBytes == 0)
    let (file, _) = try await walker.open("status")
    let bytes = try await walker.tree.read(file.number, offset: 0, count: 1 << 24)
    #expect(bytes.count(where: { $0 == UInt8(ascii: "\n") }) == Self.count + 4)
  }
}

extension LogicalUnitSnapshot {
  fileprivate func with(openCount: Int) -> LogicalUnitSnapshot {
    var unit = self
    unit.openCount = openCount
    return unit
  }
}
