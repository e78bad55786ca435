import Glibc
import ISCSI
import SCSI
import Testing
import Wire

@testable import Reactor

/// NOT READY in mid-use: the qualifiers are those sg_decode_sense of sg3_utils names.
@Suite("A unit that is not ready", .bothChannels, .timeLimit(.minutes(5)))
struct NotReadyTests {
  private static let look = ReactorEvent.unitWantsLook(
    ReactorHarness.session, LogicalUnitNumber(number: 1))

  private func answer(_ harness: ReactorHarness, _ sense: [UInt8]) throws {
    harness.sendResponse(
      try harness.command().view.header.initiatorTaskTag, .checkCondition, sense: sense)
  }

  @Test("S10 becoming ready (04/01) is waited for, 30 s and more, and the bytes come then")
  func becomingReady() async throws {
    let harness = try ReactorHarness(timeouts: SessionTimeouts(pingIntervalMilliseconds: 0))
    let unique = harness.read(offset: 0, size: 512)
    for _ in 0..<20 {
      try answer(harness, .sense(0x2, 0x04, 0x01))
      harness.advance(milliseconds: 2_020)
    }
    harness.sendDataIn(try harness.command().view.header.initiatorTaskTag, .pattern(512))
    #expect(harness.reply() == .init(unique: unique, error: 0, payload: .pattern(512)))
    #expect(await harness.events() == [])
  }

  @Test("S12 a unit that waits for START UNIT (04/02) is told of once for a command")
  func stopped() async throws {
    let harness = try ReactorHarness()
    let unique = harness.write(offset: 0, .pattern(512))
    for _ in 0..<3 {
      try answer(harness, .sense(0x2, 0x04, 0x02))
      harness.advance(milliseconds: 500)
    }
    harness.sendResponse(try harness.command().view.header.initiatorTaskTag)
    #expect(harness.reply() == .init(unique: unique, error: 0, payload: .accepted(512)))
    #expect(await harness.events() == [Self.look])
  }

  @Test("H51 an address out of range (05/21/00) is EIO, and the unit is to be looked at")
  func outOfRange() async throws {
    let harness = try ReactorHarness()
    let unique = harness.read(offset: 512, size: 512)
    try answer(harness, .sense(0x5, 0x21, 0x00))
    #expect(harness.reply() == .init(unique: unique, error: -EIO, payload: []))
    let sense = SenseData(
      key: .illegalRequest, additionalSense: AdditionalSense(code: 0x21, qualifier: 0))
    let failure = CommandFailure(
      .ended(.lbaOutOfRange, sense), of: .read16(lba: LogicalBlockAddress(1), blocks: 1))
    #expect(await harness.events() == [Self.look, .commandFailed(ReactorHarness.unit, failure)])
  }
}
