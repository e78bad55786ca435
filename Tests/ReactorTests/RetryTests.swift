import Glibc
import ISCSI
import SCSI
import Testing
import Wire

@testable import Reactor

@Suite("Statuses that are tried again", .bothChannels, .timeLimit(.minutes(5)))
struct RetryTests {
  private func answer(_ harness: ReactorHarness, _ status: SCSIStatus, sense: [UInt8] = []) throws {
    harness.sendResponse(
      try harness.command().view.header.initiatorTaskTag, status, sense: sense)
  }

  @Test("F29: eight unit attentions in a row are swallowed and told to the control plane")
  func unitAttentions() async throws {
    let harness = try ReactorHarness()
    let unique = harness.read(offset: 0, size: 512)
    for _ in 0..<8 { try answer(harness, .checkCondition, sense: .sense(0x6, 0x29, 0x07)) }
    harness.sendDataIn(try harness.command().view.header.initiatorTaskTag, .pattern(512))
    #expect(harness.reply() == .init(unique: unique, error: 0, payload: .pattern(512)))
    #expect(
      await harness.events()
        == .init(
          repeating: .unitAttention(
            ReactorHarness.session, LogicalUnitNumber(number: 1),
            AdditionalSense(code: 0x29, qualifier: 0x07)), count: 8))
  }

  @Test("F16.4.5: BUSY and TASK SET FULL wait 50 ms, doubling up to 2 s")
  func backoff() throws {
    let harness = try ReactorHarness()
    let unique = harness.write(offset: 0, .pattern(512))
    for milliseconds: UInt64 in [50, 100, 200, 400, 800, 1_600, 2_000, 2_000] {
      try answer(harness, milliseconds % 200 == 0 ? .busy : .taskSetFull)
      harness.advance(milliseconds: milliseconds - 1)
      #expect(try harness.sent() == nil)
      // Looks are 20 ms apart while something waits.
      harness.advance(milliseconds: 20)
    }
    try answer(harness, .good)
    #expect(harness.reply() == .init(unique: unique, error: 0, payload: .accepted(512)))
  }

  @Test("BUSY for ever is EIO at replacement_timeout")
  func busyForEver() throws {
    let harness = try ReactorHarness(timeouts: SessionTimeouts(pingIntervalMilliseconds: 0))
    let unique = harness.read(offset: 0, size: 512)
    var tries = 0
    while let unit = try harness.sent() {
      harness.sendResponse(unit.header.initiatorTaskTag, .busy)
      harness.advance(milliseconds: 2_000)
      tries += 1
    }
    #expect(tries > 55 && tries < 70)
    #expect(harness.reply() == .init(unique: unique, error: -EIO, payload: []))
  }

  @Test("with replacement_timeout 0 BUSY is still tried again")
  func busyWithoutReplacement() throws {
    let harness = try ReactorHarness(timeouts: SessionTimeouts(replacementMilliseconds: 0))
    let unique = harness.write(offset: 0, .pattern(512))
    try answer(harness, .busy)
    harness.advance(milliseconds: 50)
    try answer(harness, .good)
    #expect(harness.reply() == .init(unique: unique, error: 0, payload: .accepted(512)))
  }

  @Test("one reason's tries do not count against another's")
  func mixedReasons() throws {
    let harness = try ReactorHarness()
    let unique = harness.write(offset: 0, .pattern(512))
    for _ in 0..<8 {
      try answer(harness, .busy)
      harness.advance(milliseconds: 2_000)
    }
    for _ in 0..<8 { try answer(harness, .checkCondition, sense: .sense(0x6, 0x29, 0)) }
    for _ in 0..<5 { try answer(harness, .checkCondition, sense: .sense(0xB, 0x47, 0x05)) }
    try answer(harness, .good)
    #expect(harness.reply() == .init(unique: unique, error: 0, payload: .accepted(512)))
  }

  @Test("each command of a split request has its own tries")
  func splitRequest() throws {
    let harness = try ReactorHarness()
    let unique = harness.write(offset: 1, .pattern(2))
    for _ in 0..<5 { try answer(harness, .taskAborted) }
    harness.sendDataIn(try harness.command().view.header.initiatorTaskTag, .pattern(512))
    for _ in 0..<5 { try answer(harness, .taskAborted) }
    try answer(harness, .good)
    #expect(harness.reply() == .init(unique: unique, error: 0, payload: .accepted(2)))
  }

  @Test("F16.4.1: ABORTED COMMAND is sent as a new command, five times, then EIO")
  func aborted() throws {
    let harness = try ReactorHarness()
    let unique = harness.write(offset: 0, .pattern(512))
    for index: UInt32 in 0..<6 {
      let command = try harness.command()
      #expect(command.view.header.cmdSN.rawValue == 50 + index)
      #expect(command.unit.data == .pattern(512))
      harness.sendResponse(
        command.view.header.initiatorTaskTag, .checkCondition, sense: .sense(0xB, 0x47, 0x05))
    }
    #expect(harness.reply() == .init(unique: unique, error: -EIO, payload: []))
    #expect(try harness.sent() == nil)
  }

  /// RFC 7143, 11.4.7.2.
  @Test(
    "F16.4.3, F16.4.4: wrong unsolicited data (0C/0C, 0C/0D): a new command", arguments: [0xC, 0xD])
  func unsolicitedData(qualifier: UInt8) throws {
    let harness = try ReactorHarness()
    let unique = harness.write(offset: 0, .pattern(512))
    try answer(harness, .checkCondition, sense: .sense(0xB, 0x0C, qualifier))
    let again = try harness.command()
    #expect(again.view.header.cmdSN.rawValue == 51 && again.unit.data == .pattern(512))
    harness.sendResponse(again.view.header.initiatorTaskTag)
    #expect(harness.reply() == .init(unique: unique, error: 0, payload: .accepted(512)))
  }

  @Test("F27: a response code other than 00h is tried again, then EIO", arguments: [1, 0x80, 0xFF])
  func responseCode(_ code: UInt8) throws {
    let harness = try ReactorHarness()
    let unique = harness.read(offset: 0, size: 512)
    for _ in 0..<6 {
      harness.send(
        SCSIResponse(
          initiatorTaskTag: try harness.command().view.header.initiatorTaskTag, status: .good,
          response: code, statSN: harness.nextStatSN(), expCmdSN: harness.window.exp,
          maxCmdSN: harness.window.max
        ).header)
    }
    #expect(harness.reply() == .init(unique: unique, error: -EIO, payload: []))
  }

  @Test(
    "sense data become the errno of the contract",
    arguments: [
      (0x3, 0x11, 0, EIO), (0x4, 0x44, 0, EIO), (0x7, 0x27, 0, EROFS), (0x7, 0x27, 0x07, ENOSPC),
      (0x2, 0x3A, 0, ENOMEDIUM), (0x5, 0x25, 0, ENXIO), (0x5, 0x21, 0, EIO), (0xE, 0x1D, 0, EILSEQ),
    ] as [(UInt8, UInt8, UInt8, CInt)])
  func errorNumbers(_ key: UInt8, _ code: UInt8, _ qualifier: UInt8, _ expected: CInt) throws {
    let harness = try ReactorHarness()
    let unique = harness.write(offset: 0, .pattern(512))
    try answer(harness, .checkCondition, sense: .sense(key, code, qualifier))
    #expect(harness.reply() == .init(unique: unique, error: -expected, payload: []))
    #expect(try harness.sent() == nil)
  }

  @Test("F16.4.6: RESERVATION CONFLICT is EBADE at once")
  func reservationConflict() throws {
    let harness = try ReactorHarness()
    let unique = harness.write(offset: 0, .pattern(512))
    try answer(harness, .reservationConflict)
    #expect(harness.reply() == .init(unique: unique, error: -EBADE, payload: []))
  }

  @Test("F28: sense data of any length and format are read, or the command is tried again")
  func senseLengths() throws {
    for length in [0, 1, 2, 7, 17, 18] {
      let harness = try ReactorHarness()
      let unique = harness.write(offset: 0, .pattern(512))
      let sense = Array([UInt8].sense(0x3, 0x11, 0)[..<length])
      for _ in 0..<(length < 3 ? 6 : 1) { try answer(harness, .checkCondition, sense: sense) }
      #expect(harness.reply() == .init(unique: unique, error: -EIO, payload: []))
    }
    let harness = try ReactorHarness()
    let unique = harness.write(offset: 0, .pattern(512))
    try answer(harness, .checkCondition, sense: [0x72, 0x7, 0x27, 0, 0, 0, 0, 0])
    #expect(harness.reply() == .init(unique: unique, error: -EROFS, payload: []))
  }
}
