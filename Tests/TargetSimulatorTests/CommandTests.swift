import ISCSI
import SCSI
import Testing
import Wire

@testable import TargetSimulator

@Suite("Commands and data (RFC 7143, 11.3 to 11.8)")
struct CommandTests {
  let pattern = (0..<32 * 512).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 9) }

  @Test("a read comes in segments of MaxRecvDataSegmentLength, F at each burst, status last")
  func segments() throws {
    let portal = Fixture.portal { $0.maxBurstLength = 4096 }
    var initiator = HandInitiator(portal)
    _ = try initiator.login(
      Fixture.name, keys: [("MaxRecvDataSegmentLength", "1024"), ("MaxBurstLength", "4096")])
    portal.targets[0].logicalUnits[0]?.setContents(pattern, at: 0)
    let units = try initiator.command(Fixture.read10(0, 10), read: 5120)
    #expect(units.map { DataIn($0.header).bufferOffset } == [0, 1024, 2048, 3072, 4096])
    #expect(units.map { DataIn($0.header).dataSN } == [0, 1, 2, 3, 4])
    #expect(units.map(\.header.isFinal) == [false, false, false, true, true])
    #expect(units.map { DataIn($0.header).hasStatus } == [false, false, false, false, true])
    #expect(units.flatMap(\.data) == Array(pattern[..<5120]))
  }

  @Test("residuals both ways (11.4.5)")
  func residuals() throws {
    var initiator = HandInitiator(Fixture.portal())
    _ = try initiator.login(Fixture.name)
    let over = try initiator.command(Fixture.read10(0, 2), read: 512)
    #expect(DataIn(over[0].header).residual == .overflow(512))
    #expect(over[0].data.count == 512)
    let under = try initiator.command(Fixture.read10(0, 2), read: 2048)
    #expect(DataIn(under[0].header).residual == .underflow(1024))
  }

  @Test(
    "a write by immediate, unsolicited and solicited data lands whole, with digests",
    arguments: [true, false], [true, false])
  func write(immediate: Bool, initialR2T: Bool) throws {
    let portal = Fixture.portal()
    var initiator = HandInitiator(portal)
    _ = try initiator.login(
      Fixture.name,
      keys: [
        ("ImmediateData", immediate ? "Yes" : "No"), ("InitialR2T", initialR2T ? "Yes" : "No"),
        ("FirstBurstLength", "2048"), ("MaxBurstLength", "4096"), ("MaxOutstandingR2T", "2"),
        ("HeaderDigest", "CRC32C"), ("DataDigest", "CRC32C"),
      ])
    let first = immediate ? Array(pattern[..<1024]) : []
    var units = try initiator.command(
      Fixture.write10(3, 32), write: 32 * 512, immediate: first, isFinal: initialR2T)
    if !initialR2T {
      #expect(units.isEmpty)
      let header = DataOut(
        logicalUnit: LogicalUnitNumber(rawValue: 0),
        initiatorTaskTag: InitiatorTaskTag(rawValue: initiator.tag),
        targetTransferTag: .reserved, expStatSN: SerialNumber(rawValue: 0), dataSN: 0,
        bufferOffset: UInt32(first.count), length: 2048 - first.count, isFinal: true
      ).header
      units = try initiator.exchange(header, data: Array(pattern[first.count..<2048]))
    }
    #expect(units.count == 2, "two R2Ts are outstanding")
    let begin = initialR2T ? UInt32(first.count) : 2048
    #expect(ReadyToTransfer(units[0].header).bufferOffset == begin)
    var answered = 0
    while let next = units.first, next.header.opcode == .readyToTransfer {
      units.removeFirst()
      #expect(ReadyToTransfer(next.header).r2tSN == UInt32(answered))
      units += try initiator.answer(next, with: pattern, segment: 1000)
      answered += 1
    }
    #expect(units.count == 1 && SCSIResponse(units[0].header).status == .good)
    #expect(SCSIResponse(units[0].header).expDataSN == UInt32(answered))
    let stored = portal.targets[0].logicalUnits[0]?.contents(at: 3 * 512, count: 32 * 512)
    #expect(stored == pattern)
  }

  @Test("commands run in CmdSN order, those outside the window never (4.2.2.1)")
  func ordering() throws {
    let portal = Fixture.portal { $0.commandWindow = 4 }
    var initiator = HandInitiator(portal)
    _ = try initiator.login(Fixture.name)
    initiator.cmdSN = SerialNumber(rawValue: 8)
    #expect(try initiator.command([0x00]).isEmpty)
    initiator.cmdSN = SerialNumber(rawValue: 11)
    #expect(try initiator.command([0x00]).isEmpty)
    initiator.cmdSN = SerialNumber(rawValue: 7)
    #expect(try initiator.command([0x00]).map(\.header.initiatorTaskTag.rawValue) == [103, 101])
    #expect(portal.log.commands.map(\.cmdSN.rawValue) == [7, 8])
    #expect(initiator.connection.session?.expCmdSN.rawValue == 9)
  }

  @Test("an unlisted or absent unit: INQUIRY is 7Fh, all else 5/25/00")
  func absent() throws {
    let portal = Fixture.portal()
    var hidden = SimulatedLogicalUnit.Configuration(blockCount: 8)
    hidden.isListed = false
    portal.targets[0].add(SimulatedLogicalUnit(hidden), lun: 3)
    var initiator = HandInitiator(portal)
    _ = try initiator.login(Fixture.name)
    let luns = try initiator.command([0xA0, 0, 0, 0, 0, 0, 0, 0, 1, 0], read: 256)
    #expect(luns[0].data == [0, 0, 0, 8, 0, 0, 0, 0] + [UInt8](repeating: 0, count: 8))
    for lun in [UInt64(3), 9] {
      let inquiry = try initiator.command([0x12, 0, 0, 0, 36], lun: lun << 48, read: 36)
      #expect(inquiry[0].data.first == 0x7F)
      let ready = try initiator.command([0x00], lun: lun << 48)
      #expect(SCSIResponse(ready[0].header).status == .checkCondition)
      #expect(ready[0].data[2] == 0x70 && ready[0].data[4] == 0x05 && ready[0].data[14] == 0x25)
    }
    #expect(portal.log.commands(to: 9 << 48).count == 2)
  }

  @Test("unit attentions are told once, and not by INQUIRY")
  func unitAttentions() throws {
    let portal = Fixture.portal { $0.raisesUnitAttentionAtLogin = true }
    var initiator = HandInitiator(portal)
    _ = try initiator.login(Fixture.name)
    #expect(try initiator.command([0x12, 0, 0, 0, 96], read: 96)[0].data.count == 96)
    #expect(try initiator.command([0x00])[0].data[14] == 0x29)
    #expect(try initiator.command([0x00])[0].data.isEmpty)
    portal.targets[0].resize(lun: 0, blockCount: 9000)
    let resized = try initiator.command([0x00])[0].data
    #expect(resized[14] == 0x2A && resized[15] == 0x09)
    portal.targets[0].add(SimulatedLogicalUnit(.init(blockCount: 8)), lun: 1)
    let changed = try initiator.command([0x00])[0].data
    #expect(changed[14] == 0x3F && changed[15] == 0x0E)
  }

  @Test("pings, aborts, logout, rejects")
  func control() throws {
    let portal = Fixture.portal()
    var initiator = HandInitiator(portal)
    _ = try initiator.login(Fixture.name)
    let ping = NOPOut(
      initiatorTaskTag: InitiatorTaskTag(rawValue: 5), cmdSN: initiator.cmdSN,
      expStatSN: SerialNumber(rawValue: 0))
    let pong = try initiator.exchange(ping.header, data: [1, 2, 3])
    #expect(pong[0].header.opcode == .nopIn && pong[0].data == [1, 2, 3])

    initiator.connection.faults = [OutcomeFault(.hold)]
    #expect(try initiator.command([0x00]).isEmpty)
    let abort = TaskManagementRequest(
      function: .abortTask, logicalUnit: LogicalUnitNumber(rawValue: 0),
      initiatorTaskTag: InitiatorTaskTag(rawValue: 6),
      referencedTaskTag: InitiatorTaskTag(rawValue: initiator.tag), cmdSN: initiator.cmdSN,
      expStatSN: SerialNumber(rawValue: 0))
    let first = try initiator.exchange(abort.header)
    #expect(TaskManagementResponse(first[0].header).response == .functionComplete)
    let second = try initiator.exchange(abort.header)
    #expect(TaskManagementResponse(second[0].header).response == .taskDoesNotExist)

    let unknown = try initiator.exchange(BasicHeaderSegment(opcode: Opcode(rawValue: 0x1C)))
    #expect(Reject(unknown[0].header).reason == .commandNotSupported)
    #expect(unknown[0].data.count == 48 && unknown[0].data[0] == 0x1C)

    let logout = LogoutRequest(
      reason: .closeSession, initiatorTaskTag: InitiatorTaskTag(rawValue: 8), connectionID: 0,
      cmdSN: initiator.cmdSN, expStatSN: SerialNumber(rawValue: 0))
    let bye = try initiator.exchange(logout.header)
    #expect(LogoutResponse(bye[0].header).response == .closed)
    #expect(initiator.endings == [.close] && portal.targets[0].sessions.isEmpty)
  }

  /// The bytes are those of sg3_utils' `sg_get_lba_status --32 --lba=130 --maxlen=40 -vv`.
  @Test("a CDB of 32 bytes is taken from the additional header, whatever else is there (11.2.2.3)")
  func extendedCDB() throws {
    let portal = Fixture.portal()
    portal.targets[0].logicalUnits[0]?.setContents(pattern, at: 65536)
    var initiator = HandInitiator(portal)
    _ = try initiator.login(Fixture.name, keys: [("HeaderDigest", "CRC32C")])
    let short: [UInt8] = [0x9E, 0x12, 0, 0, 0, 0, 0, 0, 0, 130, 0, 0, 0, 40, 0, 0]
    let long: [UInt8] =
      [0x7F, 0, 0, 0, 0, 0, 0, 24, 0, 0x12, 0, 0, 0, 0, 0, 0]
      + [0, 0, 0, 130, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 40]
    let rest = AdditionalHeaderSegment.extendedCDB(Array(long[16...])).encoded
    let other = AdditionalHeaderSegment.bidirectionalReadLength(7).encoded
    let expected = try initiator.command(short, read: 40)
    #expect(expected.first?.data.count == 40 && expected.first?.data[3] == 36)
    for header in [rest, other + rest, rest + other] {
      let units = try initiator.command(
        Array(long[..<16]), additionalHeader: header, read: 40)
      #expect(units.map(\.data) == expected.map(\.data))
      #expect(portal.log.commands.last?.cdb == CommandBytes(long))
    }
    // Without its second half it is none, nor with one that is too short or of another kind.
    for header in [[], other, AdditionalHeaderSegment.extendedCDB([0, 0, 0, 130]).encoded] {
      let units = try initiator.command(
        Array(long[..<16]), additionalHeader: header, read: 40)
      #expect(units.map { SCSIResponse($0.header).status } == [.checkCondition])
    }
  }
}
