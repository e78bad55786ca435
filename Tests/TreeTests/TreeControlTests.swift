import FUSE
import ISCSI
import SCSI
import SystemPackage
import Testing

@testable import ControlPlane
@testable import Tree

/// What writes do, and what they are refused with.
struct TreeControlTests {
  private static let target = "targets/\(Fixtures.iqn)"

  @Test("A command reaches whom it was written for")
  func commands() async throws {
    let walker = try Walker([try Fixtures.target()])
    try await walker.write("discover 10.0.0.5\n", to: "control")
    try await walker.write("logout force", to: Self.target + "/control")
    try await walker.write("drop\n", to: Self.target + "/sessions/1/control")
    try await walker.write("iqn.2026-02.org.example:me\n", to: "initiatorname")
    try await walker.write("logout\n", to: Self.target + "/sessions/1/connections/0/control")
    try await walker.write("a = 1\nb = 2\n", to: "config")
    try await walker.write("a = 1\n", to: Self.target + "/config")
    #expect(try await walker.read("config") == "settings of the mount\n")
    #expect(try await walker.attributes("config").permissions == 0o600)
    try await walker.write("offline force\n", to: Self.target + "/lun2.info/control")
    #expect(
      await walker.source.told == [
        .root(.discover(source: "10.0.0.5")), .target(.logout(force: true), Fixtures.iqn),
        .session(.drop, Fixtures.iqn, 1), .name("iqn.2026-02.org.example:me"),
        .session(.logoutConnection(0), Fixtures.iqn, 1), .lines("a = 1\nb = 2", nil),
        .lines("a = 1", Fixtures.iqn),
        .unit(.offline(force: true), Fixtures.iqn, LogicalUnitNumber(number: 2)),
      ])
  }

  @Test("An unknown verb is EINVAL, nothing is done and last_error says why")
  func unknownVerb() async throws {
    let walker = try Walker([try Fixtures.target()])
    await #expect(throws: Errno.invalidArgument) {
      try await walker.write("frobnicate\n", to: Self.target + "/control")
    }
    await #expect(throws: Errno.invalidArgument) {
      try await walker.write("explode\n", to: "control")
    }
    #expect(await walker.source.told.isEmpty)
    // Each beside the control file it was written to.
    let refusal = try #require(await walker.source.refusals[Fixtures.iqn])
    #expect(refusal.line.hasPrefix("7 INVAL unknown verb \"frobnicate\"; known verbs: login"))
    #expect(try await walker.read("last_error").hasPrefix("7 INVAL unknown verb \"explode\""))
    try await walker.write("rescan\n", to: Self.target + "/control")
    #expect(try await walker.read("last_error").hasPrefix("7 INVAL"))
    try await walker.write("rescan\n", to: "control")
    #expect(try await walker.read("last_error") == "0 SUCCESS\n")
  }

  @Test("A command longer than 4096 bytes is EINVAL, however long")
  func tooLong() async throws {
    let walker = try Walker([])
    for count in [4097, 8192, 1 << 20] {
      await #expect(throws: Errno.invalidArgument) {
        try await walker.write(String(repeating: "a", count: count), to: "control")
      }
      #expect(try await walker.read("last_error").contains("at most 4096 bytes"))
    }
  }

  @Test("The control plane's refusal becomes the writer's errno and the sentence")
  func refusal() async throws {
    let walker = try Walker([try Fixtures.target()])
    await walker.source.refuse(
      ControlError(.resourceBusy, .busy, "lun1 is open\nand \u{1B}[31mred"))
    await #expect(throws: Errno.resourceBusy) {
      try await walker.write("logout\n", to: Self.target + "/control")
    }
    #expect(await walker.source.refusals[Fixtures.iqn]?.errno == .resourceBusy)
    #expect(try await walker.read("last_error") == "0 SUCCESS\n")
    await #expect(throws: Errno.resourceBusy) {
      try await walker.write("logout\n", to: "control")
    }
    #expect(try await walker.read("last_error") == "28 BUSY lun1 is open?and ?[31mred\n")
  }

  @Test("Reading control shows the verbs; a session's control cannot be read")
  func usage() async throws {
    let walker = try Walker([try Fixtures.target()])
    #expect(try await walker.read("control") == CommandGrammar.rootUsage)
    #expect(try await walker.read(Self.target + "/control") == CommandGrammar.targetUsage)
    await #expect(throws: Errno.permissionDenied) {
      try await walker.open(Self.target + "/sessions/1/control")
    }
  }

  @Test("Opening a read-only attribute for writing is EACCES, also for root", arguments: [1, 2])
  func readOnly(flags: UInt32) async throws {
    let walker = try Walker([try Fixtures.target()])
    for path in ["status", "version", "last_error", Self.target + "/state"] {
      await #expect(throws: Errno.permissionDenied) { try await walker.open(path, flags: flags) }
    }
  }

  @Test("One open takes commands one behind the other, but none in the middle of nowhere")
  func offsets() async throws {
    let walker = try Walker([])
    let (file, _) = try await walker.open("control", flags: 1)
    func write(_ text: String, at offset: UInt64) async throws {
      let bytes = [UInt8](text.utf8)
      try await walker.tree.write(
        bytes, byteCount: bytes.count, to: file.number, offset: offset)
    }
    try await write("rescan\n", at: 0)
    try await write("rescan\n", at: 7)
    await #expect(throws: Errno.invalidArgument) { try await write("rescan\n", at: 100) }
    let (appending, _) = try await walker.open("control", flags: 0o2001)
    try await walker.tree.write(
      [UInt8]("login".utf8), byteCount: 5, to: appending.number, offset: 55)
    #expect(
      await walker.source.told == [.root(.rescan), .root(.rescan), .root(.login(name: nil))])
  }

  @Test("What is built at open stays the same for that open file")
  func stable() async throws {
    let walker = try Walker([try Fixtures.target()])
    let (file, _) = try await walker.open(Self.target + "/state")
    var changed = try Fixtures.target()
    changed.state = .recovering
    await walker.source.show(Fixtures.initiator([changed], revision: 2))
    let bytes = try await walker.tree.read(file.number, offset: 7, count: 100)
    #expect(String(decoding: bytes, as: UTF8.self) == "IN\n")
    #expect(try await walker.tree.read(file.number, offset: 99, count: 100).isEmpty)
    #expect(try await walker.read(Self.target + "/state") == "RECOVERING\n")
  }

  @Test(
    "state says since when a target recovers, and when its callers are given an error",
    arguments: [
      (.until(Fixtures.afterwards), " until 2026-11-26T12:02:00.000Z"), (.forEver, " for ever"),
      (.failingSince(Fixtures.afterwards), " failing since 2026-11-26T12:02:00.000Z"), (.none, ""),
    ] as [(Outage.Patience, String)])
  func recovering(patience: Outage.Patience, words: String) async throws {
    var target = try Fixtures.target()
    target.state = .recovering
    target.outage = Outage(since: Fixtures.noon, patience: patience)
    let walker = try Walker([target])
    #expect(
      try await walker.read(Self.target + "/state")
        == "RECOVERING since 2026-11-26T12:00:00.000Z\(words)\n")
  }

  @Test("queue_depth is what the LUN may have in flight now, ENXIO where it is not served")
  func queueDepth() async throws {
    let walker = try Walker([try Fixtures.target()])
    #expect(try await walker.read(Self.target + "/lun1.info/queue_depth") == "16\n")
    await #expect(throws: Errno.noSuchAddressOrDevice) {
      try await walker.read(Self.target + "/lun2.info/queue_depth")
    }
  }

  @Test("Counters of a session that is gone are ENOTCONN")
  func counters() async throws {
    let walker = try Walker([try Fixtures.target()])
    await walker.source.hideStatistics()
    await #expect(throws: Errno.socketNotConnected) {
      try await walker.read(Self.target + "/sessions/1/cmdsn")
    }
  }

  @Test("Owners and modes cannot be changed; sizes only to what they are")
  func setAttributes() async throws {
    let walker = try Walker([try Fixtures.target()])
    func set(_ changes: AttributeChanges, _ path: String) async throws {
      _ = try await walker.tree.setAttributes(
        changes, of: try await walker.attributes(path).node)
    }
    let lun = Self.target + "/lun1"
    await #expect(throws: Errno.notPermitted) {
      try await set(AttributeChanges(permissions: 0o777), lun)
    }
    await #expect(throws: Errno.notPermitted) {
      try await set(AttributeChanges(userID: 0), "status")
    }
    try await set(AttributeChanges(sizeBytes: Fixtures.diskBytes), lun)
    await #expect(throws: Errno.notPermitted) { try await set(AttributeChanges(sizeBytes: 0), lun) }
    await #expect(throws: Errno.fileTooLarge) {
      try await set(AttributeChanges(sizeBytes: Fixtures.diskBytes + 1), lun)
    }
    try await set(AttributeChanges(sizeBytes: 0), "control")
    await #expect(throws: Errno.permissionDenied) {
      try await set(AttributeChanges(sizeBytes: 0), "status")
    }
    try await set(AttributeChanges(setsTimes: true), lun)
  }

  @Test("cache=writeback: O_TRUNC of a LUN comes as a size of 0 and changes nothing")
  func openTruncation() async throws {
    let walker = try Walker([try Fixtures.target()], cacheMode: .writeback)
    let lun = try await walker.attributes(Self.target + "/lun1").node
    func set(_ changes: AttributeChanges) async throws -> UInt64 {
      try await walker.tree.setAttributes(changes, of: lun).sizeBytes
    }
    #expect(try await set(AttributeChanges(sizeBytes: 0)) == Fixtures.diskBytes)
    await #expect(throws: Errno.notPermitted) {
      try await set(AttributeChanges(sizeBytes: 0, isByOpenFile: true))
    }
    await #expect(throws: Errno.notPermitted) { try await set(AttributeChanges(sizeBytes: 512)) }
    await #expect(throws: Errno.permissionDenied) {
      let status = try await walker.attributes("status").node
      _ = try await walker.tree.setAttributes(AttributeChanges(sizeBytes: 0), of: status)
    }
  }
}
