import LogicalUnit
import Reactor
import SCSI
import Testing

@testable import ControlPlane
@testable import Tree

/// Units that claim one world wide name: paths to one unit, clones, and liars.
@Suite("One name, several units")
struct SameNameTests {
  private static let other = LogicalUnitHandle(index: 9, generation: 1)

  /// A unit with the name of the fixtures' first, and a serial number or size of its own.
  private func double(
    serial: String = "SN01", blocks: UInt64 = Fixtures.blocks
  ) throws -> LogicalUnitSnapshot {
    var unit = try Fixtures.unit(1, handle: Self.other, blocks: blocks)
    let page: [UInt8] = [0, 0x80, 0, UInt8(serial.utf8.count)] + serial.utf8
    unit.description.unitSerialNumber = try UnitSerialNumber(parsing: page)
    return unit
  }

  /// Where the one name of `by-id` leads after each of some trees.
  private func destinations(_ trees: [[TargetSnapshot]]) throws -> [String?] {
    let links = TreeLinks()
    return trees.enumerated().map { index, targets in
      _ = links.update(to: Fixtures.initiator(targets, revision: UInt64(index + 1)))
      let names = links.names(.byID)
      #expect(names.count <= 1)
      return names.first.flatMap { links.target(of: $0, .byID) }
    }
  }

  private func target(
    _ name: String, _ unit: LogicalUnitSnapshot, isUp: Bool = true
  ) throws -> TargetSnapshot {
    var target = try Fixtures.target(name, units: [unit])
    if !isUp { target.state = .recovering }
    return target
  }

  @Test("H58 a unit with another's VPD 83h and not its serial never gets its by-id name")
  func otherSerial() throws {
    let disk = try Fixtures.unit(1, handle: Fixtures.disk)
    let liar = try double(serial: "LIAR")
    #expect(
      try destinations([
        [try target("iqn.b", disk)],
        // It sorts before, and it works where the other does not: neither helps it.
        [try target("iqn.a", liar), try target("iqn.b", disk)],
        [try target("iqn.a", liar), try target("iqn.b", disk, isUp: false)],
        [try target("iqn.a", liar, isUp: false), try target("iqn.b", disk)],
        [try target("iqn.b", disk)],
      ]) == Array(repeating: "../targets/iqn.b/lun1", count: 5))
  }

  @Test("H58 nor does one of another capacity; when the first is gone the name is free")
  func otherCapacity() throws {
    let disk = try Fixtures.unit(1, handle: Fixtures.disk)
    let clone = try double(blocks: Fixtures.blocks * 2)
    #expect(
      try destinations([
        [try target("iqn.b", disk)],
        [try target("iqn.a", clone), try target("iqn.b", disk, isUp: false)],
        [try target("iqn.a", clone)],
      ]) == ["../targets/iqn.b/lun1", "../targets/iqn.b/lun1", "../targets/iqn.a/lun1"])
  }

  @Test("H58 nor one that tells its capacity only later")
  func lateCapacity() throws {
    let disk = try Fixtures.unit(1, handle: Fixtures.disk)
    let clone = try double(blocks: Fixtures.blocks * 2)
    var silent = clone
    silent.description.capacity = nil
    #expect(
      try destinations([
        [try target("iqn.b", disk)],
        [try target("iqn.a", silent), try target("iqn.b", disk)],
        [try target("iqn.a", clone), try target("iqn.b", disk)],
      ]).last == "../targets/iqn.b/lun1")
  }

  @Test("H58 two paths to one unit share the name, and the one that works is taken")
  func twoPaths() throws {
    let disk = try Fixtures.unit(1, handle: Fixtures.disk)
    var standby = try double()
    standby.description.capacity = nil
    standby.state = "offline"
    #expect(
      try destinations([
        [try target("iqn.a", standby)],
        [try target("iqn.a", standby), try target("iqn.b", disk)],
        [try target("iqn.a", try double()), try target("iqn.b", disk, isUp: false)],
      ]) == ["../targets/iqn.a/lun1", "../targets/iqn.b/lun1", "../targets/iqn.a/lun1"])
  }

  @Test("H58 a unit that grows keeps its name although another claims it")
  func grows() throws {
    let disk = try Fixtures.unit(1, handle: Fixtures.disk)
    let liar = try double(serial: "LIAR")
    let grown = try Fixtures.unit(1, handle: Fixtures.disk, blocks: Fixtures.blocks * 4)
    #expect(
      try destinations([
        [try target("iqn.b", disk)],
        [try target("iqn.a", liar), try target("iqn.b", disk)],
        [try target("iqn.a", liar), try target("iqn.b", grown)],
        [try target("iqn.a", liar), try target("iqn.b", grown, isUp: false)],
      ]) == Array(repeating: "../targets/iqn.b/lun1", count: 4))
  }

  @Test("S11 access_state is shown in the kernel's words where it is known")
  func accessState() async throws {
    var unit = try Fixtures.unit(1, handle: Fixtures.disk)
    unit.description.accessState = .activeNonOptimized
    let walker = try Walker([try Fixtures.target(units: [unit])])
    let directory = "targets/\(Fixtures.iqn)/lun1.info"
    #expect(try await walker.read(directory + "/access_state") == "active/non-optimized\n")
    let other = try Walker([try Fixtures.target()])
    #expect(try await !other.names(directory).contains("access_state"))
  }
}
