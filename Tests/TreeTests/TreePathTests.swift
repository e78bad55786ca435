import FUSE
import LogicalUnit
import Reactor
import SCSI
import SystemPackage
import Testing

@testable import ControlPlane
@testable import Tree

/// Every name, mode and value of tree.md that exists at this stage.
struct TreePathTests {
  private static let target = "targets/\(Fixtures.iqn)"

  @Test("The directories hold what the contract names, and nothing else")
  func names() async throws {
    let walker = try Walker([try Fixtures.target()])
    #expect(
      try await walker.names("") == [
        "control", "status", "events", "metrics", "version", "initiatorname", "config",
        "last_error", "targets", "by-id", "by-path",
      ])
    #expect(try await walker.names("targets") == [Fixtures.iqn])
    #expect(
      try await walker.names(Self.target) == [
        "control", "state", "last_error", "config", "login_log", "portals", "sessions", "lun1",
        "lun1.info",
        "lun2", "lun2.info", "lun3.info",
      ])
    #expect(try await walker.names(Self.target + "/portals") == ["127.0.0.1,3260,1"])
    #expect(
      try await walker.names(Self.target + "/portals/127.0.0.1,3260,1") == ["state", "last_error"])
    #expect(
      try await walker.names(Self.target + "/sessions/1") == [
        "targetname", "isid", "tsih", "tpgt", "erl", "state", "losses",
        "recovery_tries", "recovery_ms", "initial_r2t", "immediate_data", "first_burst_len",
        "max_burst_len", "max_outstanding_r2t",
        "data_pdu_in_order", "data_seq_in_order", "cmdsn", "exp_cmdsn", "max_cmdsn", "stats",
        "recovery_tmo", "abort_tmo", "lu_reset_tmo", "tgt_reset_tmo", "control",
        "connections", "tasks", "capture",
      ])
    #expect(
      try await walker.names(Self.target + "/sessions/1/connections/0") == [
        "address", "port", "persistent_address", "persistent_port", "local_ipaddr", "local_port",
        "state", "header_digest", "data_digest", "max_recv_dlength", "max_xmit_dlength", "statsn",
        "exp_statsn", "recv_tmo", "ping_tmo", "control",
      ])
    #expect(
      try await walker.names(Self.target + "/lun1.info") == [
        "size", "logical_block_size", "physical_block_size", "vendor", "model", "rev", "type",
        "serial", "wwid", "state", "queue_depth", "timeout", "last_error", "write_cache", "fua",
        "provisioning_mode",
        "discard_granularity", "discard_max_bytes", "control", "vpd",
      ])
    #expect(
      try await walker.names(Self.target + "/lun3.info") == [
        "vendor", "model", "rev", "type", "serial", "wwid", "state", "last_error", "control",
        "vpd",
      ])
    #expect(try await walker.names(Self.target + "/lun1.info/vpd") == ["pg83"])
  }

  @Test(
    "Every value is as sysfs writes it, with its newline",
    arguments: [
      ("version", "iscsifs 0.1"), ("initiatorname", "iqn.2026-01.org.example:host"),
      ("last_error", "0 SUCCESS"), ("T/state", "LOGGED_IN"), ("T/last_error", "0 SUCCESS"),
      ("T/portals/127.0.0.1,3260,1/state", "LOGGED_IN"),
      ("T/sessions/1/targetname", Fixtures.iqn), ("T/sessions/1/isid", "801234560001"),
      ("T/sessions/1/tsih", "7"), ("T/sessions/1/tpgt", "1"), ("T/sessions/1/erl", "0"),
      ("T/sessions/1/state", "LOGGED_IN"), ("T/sessions/1/recovery_tmo", "120"),
      ("T/sessions/1/abort_tmo", "15"), ("T/sessions/1/lu_reset_tmo", "30"),
      ("T/sessions/1/tgt_reset_tmo", "30"), ("T/sessions/1/connections/0/recv_tmo", "5"),
      ("T/sessions/1/connections/0/ping_tmo", "5"),
      ("T/sessions/1/losses", "0"), ("T/sessions/1/recovery_tries", "0"),
      ("T/sessions/1/recovery_ms", "0"),
      ("T/sessions/1/initial_r2t", "0"), ("T/sessions/1/immediate_data", "1"),
      ("T/sessions/1/first_burst_len", "65536"), ("T/sessions/1/max_burst_len", "262144"),
      ("T/sessions/1/max_outstanding_r2t", "1"), ("T/sessions/1/cmdsn", "10"),
      ("T/sessions/1/exp_cmdsn", "11"), ("T/sessions/1/max_cmdsn", "42"),
      ("T/sessions/1/connections/0/address", "127.0.0.1"),
      ("T/sessions/1/connections/0/persistent_address", "target.example"),
      ("T/sessions/1/connections/0/local_port", "40000"),
      ("T/sessions/1/connections/0/header_digest", "1"),
      ("T/sessions/1/connections/0/data_digest", "0"),
      ("T/sessions/1/connections/0/max_recv_dlength", "262144"),
      ("T/sessions/1/connections/0/max_xmit_dlength", "8192"),
      ("T/sessions/1/connections/0/exp_statsn", "0"),
      ("T/sessions/1/connections/0/statsn", "4294967295"),
      ("T/lun1.info/size", "1048576"), ("T/lun1.info/logical_block_size", "512"),
      ("T/lun1.info/physical_block_size", "4096"), ("T/lun1.info/vendor", "IET"),
      ("T/lun1.info/model", "VIRTUAL-DISK"), ("T/lun1.info/rev", "0001"),
      ("T/lun1.info/type", "0"), ("T/lun1.info/serial", "SN01"),
      ("T/lun1.info/state", "running"), ("T/lun1.info/write_cache", "write back"),
      ("T/lun1.info/timeout", "30"), ("T/lun1.info/fua", "1"),
      ("T/lun1.info/provisioning_mode", "full"),
      ("T/lun1.info/discard_granularity", "0"), ("T/lun1.info/discard_max_bytes", "0"),
    ])
  func values(path: String, value: String) async throws {
    let walker = try Walker([try Fixtures.target()])
    let path = path.hasPrefix("T/") ? Self.target + path.dropFirst() : path
    #expect(try await walker.read(path) == value + "\n")
  }

  @Test("login_log is asked for when it is opened, and not copied before")
  func loginLog() async throws {
    let walker = try Walker([try Fixtures.target()])
    let path = Self.target + "/login_log"
    #expect(try await walker.read(path) == "logins of \(Fixtures.iqn)\n")
    #expect(try await walker.attributes(path).sizeBytes == 0)
  }

  @Test("Modes are the contract's, owners the mount's, sizes true")
  func attributes() async throws {
    let walker = try Walker([try Fixtures.target()])
    let modes: [(String, UInt16)] = [
      ("control", 0o600), ("status", 0o444), ("events", 0o444), ("version", 0o444),
      ("initiatorname", 0o644),
      ("last_error", 0o444), ("targets", 0o755), (Self.target + "/control", 0o600),
      (Self.target + "/state", 0o444), (Self.target + "/login_log", 0o400),
      (Self.target + "/sessions/1/control", 0o200),
      (Self.target + "/lun1", 0o600), (Self.target + "/lun2", 0o400),
    ]
    for (path, mode) in modes {
      let attributes = try await walker.attributes(path)
      #expect(attributes.permissions == mode, "\(path)")
      #expect(attributes.userID == 1000 && attributes.groupID == 100)
    }
    let lun = try await walker.attributes(Self.target + "/lun1")
    #expect(lun.node.rawValue == Fixtures.disk.nodeID)
    #expect(lun.sizeBytes == Fixtures.diskBytes && lun.allocatedBytes == Fixtures.diskBytes)
    #expect(lun.preferredTransferBytes == 4096 && lun.validSeconds == 3600)
    let state = try await walker.attributes(Self.target + "/state")
    #expect(state.sizeBytes == 10 && state.validSeconds == 0)
    let masked = try Walker([try Fixtures.target()], modeMask: 0o077)
    #expect(try await masked.attributes("status").permissions == 0o400)
  }

  @Test("by-id and by-path lead to LUN files; by-id names hold no colon")
  func links() async throws {
    let walker = try Walker([try Fixtures.target()])
    let identities = try await walker.names("by-id")
    #expect(identities.count == 2)
    #expect(!identities.contains { $0.contains(":") || $0.contains("/") })
    let link = try await walker.attributes("by-id/" + (identities.first ?? ""))
    #expect(link.kind == .symbolicLink)
    #expect(try await walker.tree.readLink(link.node) == "../targets/\(Fixtures.iqn)/lun1")
    let path = "ip-127.0.0.1:3260-iscsi-\(Fixtures.iqn)-lun-2"
    #expect(try await walker.names("by-path").contains(path))
    let target = try await walker.tree.readLink(try await walker.attributes("by-path/" + path).node)
    #expect(target == "../targets/\(Fixtures.iqn)/lun2")
  }

  @Test("Of several paths to one unit by-id prefers one that works")
  func preferredPath() async throws {
    var dead = try Fixtures.target("iqn.a")
    dead.state = .recovering
    let walker = try Walker([dead, try Fixtures.target("iqn.b")])
    let names = try await walker.names("by-id")
    #expect(names.count == 2)
    let link = try await walker.attributes("by-id/" + (names.first ?? ""))
    #expect(try await walker.tree.readLink(link.node) == "../targets/iqn.b/lun1")
  }

  @Test(
    "What does not exist is ENOENT",
    arguments: [
      "metric", "targets/other", "T/lun01", "T/lun3", "T/lun9", "T/lun1.inf",
      "T/lun", "T/sessions/01", "T/sessions/2", "T/lun3.info/queue_depth", "T/portals/x", "T/..",
      "T/lun1.info/vpd/pg80", "targets/.", "T/lun-1",
    ])
  func absent(path: String) async throws {
    let walker = try Walker([try Fixtures.target()])
    let path = path.hasPrefix("T/") ? Self.target + path.dropFirst() : path
    await #expect(throws: Errno.noSuchFileOrDirectory) { try await walker.attributes(path) }
  }

  /// BLOCK LIMITS with an OPTIMAL UNMAP GRANULARITY, in bytes 28 to 31 (SBC-4, 6.6.4).
  @Test(
    "S07, H56 statfs tells the UNMAP granularity, and not one that is more than the LUN",
    arguments: [
      (0, 512), (1, 512), (24, 12_288), (2048, 1_048_576), (2049, 4096), (1 << 23, 4096),
      (.max, 4096),
    ] as [(UInt32, UInt64)])
  func granularity(blocks: UInt32, bytes: UInt64) async throws {
    var unit = try Fixtures.unit(1, handle: Fixtures.disk)
    unit.description.capacity?.isProvisioningManaged = true
    unit.description.provisioning = try LogicalBlockProvisioning(
      parsing: [0, 0xB2, 0, 4, 0, 0x84, 2, 0])
    var page: [UInt8] = [0, 0xB0, 0, 60] + [UInt8](repeating: 0, count: 60)
    for index in 0..<4 {
      page[28 + index] = UInt8(truncatingIfNeeded: blocks >> UInt32(24 - index * 8))
    }
    unit.description.blockLimits = try BlockLimits(parsing: page)
    let walker = try Walker([try Fixtures.target(units: [unit])])
    let lun = try await walker.attributes(Self.target + "/lun1").node
    #expect(try await walker.tree.statistics(of: lun).blockBytes == bytes)
  }

  @Test("S07 what is given back at once and by one command is told, and nothing without LBPRZ")
  func discard() async throws {
    var unit = try Fixtures.unit(1, handle: Fixtures.disk)
    unit.description.capacity?.isProvisioningManaged = true
    unit.description.provisioning = try LogicalBlockProvisioning(
      parsing: [0, 0xB2, 0, 4, 0, 0x84, 2, 0])
    var page: [UInt8] = [0, 0xB0, 0, 60] + [UInt8](repeating: 0, count: 60)
    page.replaceSubrange(20..<32, with: [0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 8])
    unit.description.blockLimits = try BlockLimits(parsing: page)
    let walker = try Walker([try Fixtures.target(units: [unit])])
    #expect(try await walker.read(Self.target + "/lun1.info/discard_granularity") == "4096\n")
    #expect(try await walker.read(Self.target + "/lun1.info/discard_max_bytes") == "131072\n")
    unit.description.provisioning?.unmappedBlocksReadZeros = false
    let other = try Walker([try Fixtures.target(units: [unit])])
    #expect(try await other.read(Self.target + "/lun1.info/discard_max_bytes") == "0\n")
  }

  @Test("statfs of a LUN tells the loop driver its granularity")
  func statistics() async throws {
    let walker = try Walker([try Fixtures.target()])
    let lun = try await walker.attributes(Self.target + "/lun1").node
    let statistics = try await walker.tree.statistics(of: lun)
    #expect(statistics.blockBytes == 4096 && statistics.fragmentBytes == 512)
    #expect(statistics.fragmentCount == Fixtures.blocks)
    #expect(try await walker.tree.statistics(of: .root).fragmentCount == 512)
  }
}
