import FUSE
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

  /// Whether to come again is for the caller to decide: nobody here knows what the reservation is
  /// for, and a reset would take it from who holds it.
  @Test("F16.4.6: RESERVATION CONFLICT is EBADE at once, with nothing sent again and no reset")
  func reservationConflict() async throws {
    let harness = try ReactorHarness()
    let write = harness.write(offset: 0, .pattern(512))
    let read = harness.read(offset: 4096, size: 512)
    try answer(harness, .reservationConflict)
    #expect(harness.reply() == .init(unique: write, error: -EBADE, payload: []))
    try answer(harness, .reservationConflict)
    #expect(harness.reply() == .init(unique: read, error: -EBADE, payload: []))
    harness.advance(milliseconds: 3_000)
    #expect(try harness.sent()?.header.opcode != .taskManagementRequest)
    #expect(try harness.sent() == nil && harness.busySlots == 0)
    // Released, the unit is as it was.
    let again = harness.write(offset: 0, .pattern(512))
    try answer(harness, .good)
    #expect(harness.reply() == .init(unique: again, error: 0, payload: .accepted(512)))
    let failure = CommandFailure(
      .ended(.reservationConflict, nil), of: .write16(lba: LogicalBlockAddress(0), blocks: 1))
    #expect(await harness.events() == [.commandFailed(ReactorHarness.unit, failure)])
  }

  @Test("F28: the errno is that of the sense, in either form and of any length that has a key")
  func senseForms() throws {
    // DATA PROTECT, WRITE PROTECTED: EROFS.
    let forms: [(bytes: [UInt8], least: Int)] = [
      ([0x70, 0, 0x07, 0, 0, 0, 0, 244, 0, 0, 0, 0, 0x27, 0], 3),
      ([0x72, 0x07, 0x27, 0, 0, 0, 0, 244], 2),
    ]
    for form in forms {
      let whole = form.bytes + [UInt8](repeating: 0, count: 252 - form.bytes.count)
      for length in [0, 1, 2, 3, 4, 7, 8, 12, 13, 14, 17, 18, 251, 252] {
        let harness = try ReactorHarness()
        let unique = harness.write(offset: 0, .pattern(512))
        let isRead = length >= form.least
        // What cannot be read says nothing: six tries, then EIO.
        for _ in 0..<(isRead ? 1 : 6) {
          try answer(harness, .checkCondition, sense: Array(whole[..<length]))
        }
        let expected = isRead ? EROFS : EIO
        #expect(harness.reply() == .init(unique: unique, error: -expected, payload: []))
        #expect(try harness.sent() == nil)
      }
    }
  }

  @Test("F28: deferred sense is another command's: this one goes again, the next fsync tells")
  func deferredSense() throws {
    for sense in [
      [0x71, 0, 0x03, 0, 0, 0, 0, 10, 0, 0, 0, 0, 0x0C, 0, 0, 0, 0, 0],
      [0x73, 0x03, 0x0C, 0, 0, 0, 0, 0],
    ] as [[UInt8]] {
      for length in [3, 7, 8, sense.count] {
        let harness = try ReactorHarness { $0.hasVolatileCache = true }
        let unique = harness.write(offset: 0, .pattern(512))
        try answer(harness, .checkCondition, sense: Array(sense[..<min(length, sense.count)]))
        try answer(harness, .good)
        #expect(harness.reply() == .init(unique: unique, error: 0, payload: .accepted(512)))
        let fsync = harness.request(.fsync)
        try answer(harness, .good)
        #expect(harness.reply() == .init(unique: fsync, error: -EIO, payload: []))
      }
    }
  }

  @Test("F28: a sense length that is longer than what came, or of other bytes, is no trap")
  func senseLengthLies() throws {
    for (length, bytes) in [(18, 0), (252, 18), (0xFFFF, 18), (1, 18), (0, 18)] {
      let harness = try ReactorHarness()
      let unique = harness.write(offset: 0, .pattern(512))
      let sense = Array([UInt8].sense(0x7, 0x27, 0).prefix(bytes))
      for _ in 0..<6 {
        guard let command = try harness.sent() else { break }
        let header = SCSIResponse(
          initiatorTaskTag: command.header.initiatorTaskTag, status: .checkCondition,
          statSN: harness.nextStatSN(), expCmdSN: harness.window.exp, maxCmdSN: harness.window.max
        ).header
        harness.send(header, data: [UInt8(length >> 8), UInt8(length & 0xFF)] + sense)
      }
      let expected = length >= 3 && bytes >= 3 ? EROFS : EIO
      #expect(harness.reply() == .init(unique: unique, error: -expected, payload: []))
    }
  }

  @Test("ACA ACTIVE: CLEAR ACA for the unit goes ahead of the command, once for all of them")
  func contingentAllegiance() throws {
    let harness = try ReactorHarness()
    let first = harness.write(offset: 0, .pattern(512))
    let second = harness.write(offset: 512, .pattern(512))
    let tags = [
      try harness.command().view.header.initiatorTaskTag,
      try harness.command().view.header.initiatorTaskTag,
    ]
    harness.sendResponse(tags[0], .acaActive)
    let request = TaskManagementRequest(try #require(try harness.sent()).header)
    #expect(request.header.word0 == 0x4283_0000_0000_0000)
    #expect(request.header.word1 == 1 << 48 && request.referencedTaskTag == .reserved)
    #expect(request.header.word4 == 0 && request.header.word5 == 0)
    let again = try harness.command().view.header
    harness.sendResponse(tags[1], .acaActive)
    let other = try harness.command().view.header
    harness.sendManaged(request, .functionComplete)
    harness.sendResponse(again.initiatorTaskTag)
    harness.sendResponse(other.initiatorTaskTag)
    #expect(harness.reply() == .init(unique: first, error: 0, payload: .accepted(512)))
    #expect(harness.reply() == .init(unique: second, error: 0, payload: .accepted(512)))
    #expect(try harness.sent() == nil && harness.busySlots == 0)
  }

  @Test("ACA ACTIVE: a target that refuses CLEAR ACA, or does not answer it, costs five tries: EIO")
  func unclearedAllegiance() async throws {
    for answers in [true, false] {
      let harness = try ReactorHarness(timeouts: SessionTimeouts(pingIntervalMilliseconds: 0))
      let unique = harness.write(offset: 0, .pattern(512))
      var command = try harness.command().view.header
      for index in 0..<5 {
        harness.sendResponse(command.initiatorTaskTag, .acaActive)
        if answers || index == 0 {
          let unit = try #require(try harness.sent())
          #expect(TaskManagementRequest(unit.header).function == .clearACA)
          if answers {
            harness.sendManaged(TaskManagementRequest(unit.header), .functionNotSupported)
          }
        }
        command = try harness.command().view.header
      }
      harness.sendResponse(command.initiatorTaskTag, .acaActive)
      #expect(harness.reply() == .init(unique: unique, error: -EIO, payload: []))
      harness.advance(milliseconds: 60_000)
      #expect(await harness.losses() == [])
    }
  }
}
