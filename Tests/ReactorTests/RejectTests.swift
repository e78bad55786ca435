import Glibc
import ISCSI
import SCSI
import Testing
import Wire

@testable import Reactor

/// RFC 7143, 7.8 and 11.17.
@Suite("PDUs of ours the target rejects", .bothChannels, .timeLimit(.minutes(5)))
struct RejectTests {
  private func reject(
    _ harness: ReactorHarness, _ reason: UInt8, _ rejected: BasicHeaderSegment
  ) {
    var header = Reject(
      reason: .protocolError, statSN: harness.nextStatSN(), expCmdSN: harness.window.exp,
      maxCmdSN: harness.window.max
    ).header
    header.byte2 = reason
    harness.send(header, data: ProtocolDataUnit(header: rejected).encoded())
  }

  @Test(
    "E21, H63: a command the target does not support, or a field of it, fails", arguments: [5, 9])
  func command(reason: UInt8) throws {
    let harness = try ReactorHarness()
    let refused = harness.read(offset: 0, size: 512)
    let other = harness.read(offset: 512, size: 512)
    let first = try harness.command().view.header
    let second = try harness.command().view.header
    reject(harness, reason, first)
    #expect(harness.reply() == .init(unique: refused, error: -EIO, payload: []))
    harness.sendDataIn(second.initiatorTaskTag, .pattern(512))
    #expect(harness.reply() == .init(unique: other, error: 0, payload: .pattern(512)))
    #expect(harness.busySlots == 0)
  }

  @Test("E21, H63: a command for which the target has no room is sent again later")
  func noRoom() throws {
    let harness = try ReactorHarness()
    let unique = harness.write(offset: 0, .pattern(512))
    reject(harness, 0x0A, try harness.command().view.header)
    #expect(try harness.sent() == nil)
    harness.advance(milliseconds: 50)
    harness.sendResponse(try harness.command().view.header.initiatorTaskTag)
    #expect(harness.reply() == .init(unique: unique, error: 0, payload: .accepted(512)))
  }

  @Test("H63: a rejected ping is a sign of life", arguments: [5, 6, 0x0A])
  func ping(reason: UInt8) async throws {
    let harness = try ReactorHarness()
    harness.advance(milliseconds: 5_000)
    let ping = try #require(try harness.sent())
    harness.advance(milliseconds: 4_999)
    reject(harness, reason, ping.header)
    harness.advance(milliseconds: 4_000)
    #expect(await harness.events() == [])
  }

  @Test("F18.5: a rejected Text Request ends its exchange, not the connection")
  func text() throws {
    let harness = try ReactorHarness()
    reject(harness, 4, try harness.beginText().header)
    let next = try harness.beginText()
    #expect(next.header.opcode == .textRequest)
    harness.sendText(to: next)
    _ = harness.read(offset: 0, size: 512)
    _ = try harness.command()
  }

  @Test("H63: who waits for a task management function is told that it was rejected")
  func taskManagement() async throws {
    let harness = try ReactorHarness()
    let request = TaskManagement(session: ReactorHarness.session, function: .logicalUnitReset)
    let outcome = try await harness.told(
      { .manage(request, $0) },
      meanwhile: {
        self.reject(harness, 6, try #require(try harness.sent()).header)
        harness.stopIfManaging()
      })
    #expect(outcome == .rejected(reason: 6))
  }

  @Test("D13: rejected Data-Out: the command is sent again from what was kept, when it has failed")
  func dataOut() throws {
    var parameters = NegotiatedParameters()
    parameters.immediateData = false
    parameters.dataDigest = true
    let harness = try ReactorHarness(parameters: parameters)
    let payload = [UInt8].pattern(512)
    let unique = harness.write(offset: 0, payload)
    let task = try harness.command().view.header.initiatorTaskTag
    harness.sendR2T(task, transferTag: 1, r2tSN: 0, offset: 0, length: 512)
    reject(harness, 2, try #require(try harness.sent()).header)
    #expect(harness.reply() == nil)
    // RFC 7143, 7.8: the target ends the task with a CRC error.
    harness.sendResponse(task, .checkCondition, sense: .sense(0xB, 0x47, 0x05))
    let again = try harness.command().view.header.initiatorTaskTag
    harness.sendR2T(again, transferTag: 2, r2tSN: 0, offset: 0, length: 512)
    #expect(try harness.sent()?.data == payload)
    harness.sendResponse(again)
    #expect(harness.reply() == .init(unique: unique, error: 0, payload: .accepted(512)))
  }

  @Test("E21, H63: waiting for a Logout gets one")
  func waitingForLogout() throws {
    let harness = try ReactorHarness()
    _ = harness.read(offset: 0, size: 512)
    reject(harness, 0x0C, try harness.command().view.header)
    #expect(try harness.sent()?.header.opcode == .logoutRequest)
  }

  @Test(
    "E21, H63: every other reason, of a command or of what nobody sent, loses the session",
    arguments: [0, 1, 2, 3, 4, 6, 7, 8, 0x0B, 0x0D, 0xFF])
  func others(reason: UInt8) async throws {
    let harness = try ReactorHarness()
    _ = harness.read(offset: 0, size: 512)
    reject(harness, reason, try harness.command().view.header)
    #expect(await harness.losses() == [.violation(.rejected(reason: reason))])
    let unknown = try ReactorHarness()
    var header = BasicHeaderSegment(opcode: .scsiCommand)
    header.initiatorTaskTag = InitiatorTaskTag(rawValue: 0x10_0000)
    reject(unknown, 5, header)
    #expect(await unknown.losses() == [.violation(.rejected(reason: 5))])
  }
}
