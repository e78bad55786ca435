import ISCSI
import SCSI
import Testing
import Wire

@testable import TargetSimulator

/// The target an initiator of 2005 lost its way with, played for whoever comes next: it lists one
/// LUN, answers INQUIRY to the others with 3Fh or 7Fh, and knows no task that has ended.
@Suite("The target of 2005")
struct ReplyOf2005Tests {
  @Test(
    "2005 one LUN is listed, INQUIRY to others has qualifier 001b or 011b and type 1Fh",
    arguments: [0x3F, 0x7F] as [UInt8])
  func unlisted(byte: UInt8) throws {
    let portal = Fixture.portal { $0.absentInquiryByte = byte }
    var initiator = HandInitiator(portal)
    _ = try initiator.login(Fixture.name)
    let list = try initiator.command([0xA0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0], read: 256)
    #expect(list.flatMap(\.data) == [0, 0, 0, 8] + [UInt8](repeating: 0, count: 12))
    for lun: UInt64 in [1, 7, 255] {
      let data = try initiator.command([0x12, 0, 0, 0, 36, 0], lun: lun << 48, read: 36)
        .flatMap(\.data)
      #expect(data.count == 36 && data[0] == byte)
      let refused = try initiator.command([0x00], lun: lun << 48)
      // 5/25/00, LOGICAL UNIT NOT SUPPORTED: sense data behind their length.
      #expect(refused.last?.data.dropFirst(2).first == 0x70)
      #expect(refused.last.map { [$0.data[4], $0.data[14], $0.data[15]] } == [0x05, 0x25, 0x00])
    }
  }

  @Test("2005 ABORT TASK for a task that has ended is answered 1, task does not exist")
  func lateAbort() throws {
    var initiator = HandInitiator(Fixture.portal())
    _ = try initiator.login(Fixture.name)
    let read = try initiator.command(Fixture.read10(0, 1), read: 512)
    #expect(DataIn(read[0].header).hasStatus)
    let abort = TaskManagementRequest(
      function: .abortTask, logicalUnit: .zero, initiatorTaskTag: InitiatorTaskTag(rawValue: 6),
      referencedTaskTag: InitiatorTaskTag(rawValue: initiator.tag), cmdSN: initiator.cmdSN,
      expStatSN: SerialNumber(rawValue: 0))
    let answer = try initiator.exchange(abort.header)
    #expect(TaskManagementResponse(answer[0].header).response == .taskDoesNotExist)
    #expect(answer[0].header.byte2 == 1)
    // The session is as before.
    #expect(try initiator.command(Fixture.read10(1, 1), read: 512).count == 1)
  }
}

/// Asymmetric access as sg_rtpg and sg_inq of sg3_utils read it.
@Suite("The simulated port groups (SPC-5, 6.37)")
struct PortGroupTests {
  @Test("S11 INQUIRY tells TPGS, page 83h the group, RTPG the states; standby refuses the medium")
  func portGroups() throws {
    let portal = Fixture.portal()
    let unit = portal.targets[0].logicalUnits[0]
    unit?.configuration.targetPortGroups = [(0x0102, 0x2), (0x0103, 0x0)]
    var initiator = HandInitiator(portal)
    _ = try initiator.login(Fixture.name)
    let inquiry = try initiator.command([0x12, 0, 0, 0, 96, 0], read: 96).flatMap(\.data)
    #expect(inquiry[5] == 0x10)
    let page = try initiator.command([0x12, 1, 0x83, 0, 252, 0], read: 252).flatMap(\.data)
    let identification = try DeviceIdentification(parsing: page)
    #expect(identification.targetPortGroup == 0x0102)
    let groups = try initiator.command([0xA3, 0x0A, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0], read: 256)
      .flatMap(\.data)
    #expect(
      groups == [
        0, 0, 0, 24, 2, 0xCF, 1, 2, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0xCF, 1, 3, 0, 0, 0, 1, 0, 0, 0, 2,
      ])
    let refused = try initiator.command(Fixture.read10(0, 1), read: 512)
    #expect(refused.last.map { [$0.data[4], $0.data[14], $0.data[15]] } == [0x02, 0x04, 0x0B])
    unit?.configuration.targetPortGroups[0].state = 0
    #expect(try initiator.command(Fixture.read10(0, 1), read: 512).first?.data.count == 512)
  }
}
