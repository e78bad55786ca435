import FUSE
import ISCSI
import Reactor
import SCSI
import SystemPackage
import Testing

@testable import ControlPlane
@testable import Tree

@Suite("The files of a session")
struct SessionFilesTests {
  private static let session = "targets/\(Fixtures.iqn)/sessions/1"
  private static let task = OutstandingTask(
    tag: InitiatorTaskTag(rawValue: 0x0001_000A), lun: LogicalUnitNumber(number: 1),
    cdb: .read16(lba: LogicalBlockAddress(0x1000), blocks: 8), byteCount: 4096,
    ageMilliseconds: 1234,
    state: .sent)

  /// Names and order are those of iscsiadm.c, `session_stats`, of open-iscsi 2.1.
  @Test("stats has the counters of iscsiadm -s under its names")
  func stats() async throws {
    let walker = try Walker([try Fixtures.target()])
    var numbers = SessionStatistics()
    numbers.transmittedBytes = 1 << 40
    numbers.receivedBytes = 7
    numbers.digestErrors = 20
    numbers.timeouts = 21
    let opcodes: [Opcode] = [
      .nopOut, .scsiCommand, .taskManagementRequest, .loginRequest, .textRequest, .dataOut,
      .logoutRequest, .snackRequest, .nopIn, .scsiResponse, .taskManagementResponse, .textResponse,
      .dataIn, .logoutResponse, .readyToTransfer, .asyncMessage, .reject,
    ]
    for (index, opcode) in opcodes.enumerated() { numbers.pdus[opcode] = UInt64(index + 3) }
    await walker.source.show(statistics: numbers)
    #expect(
      try await walker.read(Self.session + "/stats") == """
        txdata_octets: 1099511627776
        rxdata_octets: 7
        noptx_pdus: 3
        scsicmd_pdus: 4
        tmfcmd_pdus: 5
        login_pdus: 6
        text_pdus: 7
        dataout_pdus: 8
        logout_pdus: 9
        snack_pdus: 10
        noprx_pdus: 11
        scsirsp_pdus: 12
        tmfrsp_pdus: 13
        textrsp_pdus: 14
        datain_pdus: 15
        logoutrsp_pdus: 16
        r2t_pdus: 17
        async_pdus: 18
        rjt_pdus: 19
        digest_err: 20
        timeout_err: 21

        """)
    #expect(try await walker.attributes(Self.session + "/stats").permissions == 0o444)
    await walker.source.hideStatistics()
    await #expect(throws: Errno.socketNotConnected) {
      try await walker.read(Self.session + "/stats")
    }
  }

  @Test("tasks has a 0400 file a command, named by its tag, and none for what is over")
  func tasks() async throws {
    let walker = try Walker([try Fixtures.target()])
    #expect(try await walker.names(Self.session + "/tasks") == [])
    await walker.source.show(tasks: [Self.task])
    #expect(try await walker.names(Self.session + "/tasks") == ["0x0001000a"])
    let path = Self.session + "/tasks/0x0001000a"
    let attributes = try await walker.attributes(path)
    #expect(attributes.permissions == 0o400 && attributes.validSeconds == 0)
    #expect(
      try await walker.read(path) == """
        lun: 1
        cdb: 88 00 00 00 00 00 00 00 10 00 00 00 00 08 00 00
        bytes: 4096
        age_ms: 1234
        state: sent

        """)
    for name in ["0x0001000A", "0x1000a", "65546", "0x0001000b", "0x", "x"] {
      await #expect(throws: Errno.noSuchFileOrDirectory, "\(name)") {
        try await walker.attributes(Self.session + "/tasks/" + name)
      }
    }
    await walker.source.show(tasks: [])
    await #expect(throws: Errno.noSuchFileOrDirectory) {
      try await walker.tree.attributes(of: attributes.node)
    }
    await #expect(throws: Errno.noSuchFileOrDirectory) {
      try await walker.tree.open(attributes.node, flags: OpenFlags(rawValue: 0))
    }
  }

  @Test("unlink aborts a task; what is over is ENOENT, and nothing else is removed")
  func unlink() async throws {
    let walker = try Walker([try Fixtures.target()])
    await walker.source.show(tasks: [Self.task])
    let tasks = try await walker.attributes(Self.session + "/tasks").node
    await #expect(throws: Errno.noSuchFileOrDirectory) {
      try await walker.tree.remove("0x0001000b", from: tasks)
    }
    await #expect(throws: Errno.noSuchFileOrDirectory) {
      try await walker.tree.remove("x", from: tasks)
    }
    try await walker.tree.remove("0x0001000a", from: tasks)
    #expect(await walker.source.told == [.aborted(Self.task.tag, Fixtures.session)])
    await #expect(throws: Errno.noSuchFileOrDirectory) {
      try await walker.tree.remove("0x0001000a", from: tasks)
    }
    await walker.source.show(tasks: [Self.task])
    await walker.source.refuseOpens(.notSupportedOnSocket)
    await #expect(throws: Errno.notSupportedOnSocket) {
      try await walker.tree.remove("0x0001000a", from: tasks)
    }
    for (directory, name) in [("", "control"), (Self.session, "stats"), (Self.session, "tasks")] {
      let node = try await walker.attributes(directory).node
      await #expect(throws: Errno.notPermitted) {
        try await walker.tree.remove(name, from: node)
      }
    }
  }
}
