import Glibc
import ISCSI
import SCSI
import SystemPackage
import Testing
import Wire

@testable import Reactor

/// What a target may do to the frames of its PDUs; offsets are those of RFC 7143, 11.2.1, which
/// tshark's dissector of iSCSI reads the same.
@Suite("The frames of a hostile target", .bothChannels, .timeLimit(.minutes(5)))
struct FramingTests {
  /// A Data-In of `count` bytes with GOOD, as it travels.
  private func dataIn(
    _ harness: ReactorHarness, _ task: InitiatorTaskTag, _ count: Int
  ) -> [UInt8] {
    ProtocolDataUnit(
      header: DataIn(
        initiatorTaskTag: task, isFinal: true, status: (.good, harness.nextStatSN(), .none),
        expCmdSN: harness.window.exp, maxCmdSN: harness.window.max, dataSN: 0, bufferOffset: 0
      ).header, data: .pattern(count)
    ).encoded()
  }

  private func ping(_ harness: ReactorHarness) -> [UInt8] {
    ProtocolDataUnit(
      header: NOPIn(
        targetTransferTag: TargetTransferTag(rawValue: 0xABBA),
        statSN: SerialNumber(rawValue: 100), expCmdSN: harness.window.exp,
        maxCmdSN: harness.window.max
      ).header
    ).encoded()
  }

  /// The first opcode byte, TotalAHSLength at byte 4, DataSegmentLength at 5 to 7, zeros.
  private func header(_ opcode: UInt8, ahsWords: UInt8 = 0, length: UInt32 = 0) -> [UInt8] {
    var bytes: [UInt8] = [opcode, 0x80, 0, 0]
    bytes.appendBigEndian(UInt32(ahsWords) << 24 | length)
    return bytes + [UInt8](repeating: 0, count: 40)
  }

  @Test(
    "H01 a segment of 16 MiB - 1 is refused from its header alone, whatever the PDU",
    arguments: [0x20, 0x21, 0x25, 0x26, 0x31, 0x32, 0x3F] as [UInt8])
  func segmentTooLong(opcode: UInt8) async throws {
    let harness = try ReactorHarness()
    harness.send(header(opcode, length: 0xFF_FFFF))
    #expect(
      await harness.events() == [
        .sessionLost(
          ReactorHarness.session,
          .malformed(
            .dataSegmentTooLong(opcode: Opcode(rawValue: opcode), length: 0xFF_FFFF, limit: 8192)))
      ])
  }

  /// No PDU of a target's has additional headers that mean anything (11.2.2): they are passed over
  /// by TotalAHSLength, so that lengths inside them cannot lead anywhere.
  @Test(
    "H02 additional headers are passed over, whatever lengths they claim",
    arguments: [(255, 0x0000), (255, 0xFFFF), (1, 0xFFFF), (1, 0x0000), (2, 0x0100)])
  func additionalHeaders(words: Int, claimed: Int) throws {
    let harness = try ReactorHarness()
    let unique = harness.read(offset: 0, size: 512)
    let task = try harness.command().view.header.initiatorTaskTag
    var bytes = dataIn(harness, task, 512)
    bytes[4] = UInt8(words)
    let segment: [UInt8] = [UInt8(claimed >> 8), UInt8(claimed & 0xFF), 0x01]
    bytes.insert(
      contentsOf: segment + [UInt8](repeating: 0xEE, count: words * 4 - 3), at: 48)
    for byte in bytes { harness.send([byte]) }
    #expect(harness.reply() == .init(unique: unique, error: 0, payload: .pattern(512)))
  }

  @Test("H02, H05 additional headers that never come end the session after 30 s")
  func missingAdditionalHeaders() async throws {
    let harness = try ReactorHarness(timeouts: SessionTimeouts(pingIntervalMilliseconds: 0))
    harness.send(header(0x20, ahsWords: 255))
    #expect(harness.sleep == 30_000)
    harness.advance(milliseconds: 30_000)
    #expect(await harness.events() == [.sessionLost(ReactorHarness.session, .unitTimedOut)])
  }

  @Test("H03 an initiator's opcode, or one nobody defined, loses the session")
  func opcodes() async throws {
    for code in Array(UInt8(0x00)...0x1F) + Array(0x27...0x30) + Array(0x33...0x3E) {
      let harness = try ReactorHarness()
      harness.send(header(code))
      #expect(
        await harness.events() == [
          .sessionLost(
            ReactorHarness.session, .violation(.unexpectedOpcode(Opcode(rawValue: code))))
        ])
    }
  }

  enum Ending: CaseIterable, Sendable { case finished, reset }

  @Test(
    "H04 cut at each byte and ended, the command is sent again and its bytes are right",
    arguments: Ending.allCases)
  func cut(ending: Ending) async throws {
    let harness = try ReactorHarness()
    let unique = harness.read(offset: 0, size: 64)
    var task = try harness.command().view.header.initiatorTaskTag
    let length = dataIn(harness, task, 512).count
    for cut in 0..<length {
      // What is closed with bytes unread is reset: the answer to a ping is left unread.
      if ending == .reset { harness.send(ping(harness)) }
      harness.send(Array(dataIn(harness, task, 512)[..<cut]))
      try harness.closeTarget()
      #expect(harness.reply() == nil)
      try harness.reconnect()
      task = try harness.command().view.header.initiatorTaskTag
    }
    harness.sendDataIn(task, .pattern(512))
    #expect(
      harness.reply() == .init(unique: unique, error: 0, payload: Array([UInt8].pattern(64))))
    let expected: SessionFailure =
      ending == .reset ? .socket(.connectionReset) : .connectionClosed
    let losses = await harness.events()
    #expect(losses.count == length)
    #expect(losses.allSatisfy { $0 == .sessionLost(ReactorHarness.session, expected) })
  }

  @Test("H04 cut at each byte of the header and then silence: found out by ping or after 30 s")
  func silence() async throws {
    for pings in [true, false] {
      for cut in (pings ? Array(1..<48) : [1, 47]) + [48, 49, 559] {
        let harness = try ReactorHarness(
          timeouts: SessionTimeouts(pingIntervalMilliseconds: pings ? 5_000 : 0))
        _ = harness.read(offset: 0, size: 512)
        let task = try harness.command().view.header.initiatorTaskTag
        harness.send(Array(dataIn(harness, task, 512)[..<cut]))
        harness.advance(milliseconds: pings ? 5_000 : 30_000)
        if pings { harness.advance(milliseconds: 5_000) }
        #expect(harness.sessionState == .lost)
      }
    }
  }

  @Test("H05 a byte a second: the PDU that is not whole after 30 s ends the session")
  func slowloris() async throws {
    let harness = try ReactorHarness()
    let bytes = ping(harness)
    for index in 0..<30 {
      harness.send([bytes[index]])
      #expect(harness.sessionState == .up)
      harness.advance(milliseconds: 1_000)
    }
    #expect(await harness.events() == [.sessionLost(ReactorHarness.session, .unitTimedOut)])
  }

  @Test("H05 a slow target whose every PDU is whole within 30 s is kept")
  func slowButHonest() async throws {
    let harness = try ReactorHarness()
    for _ in 0..<3 {
      let bytes = ping(harness)
      harness.send(Array(bytes[..<1]))
      for index in 1..<24 {
        harness.advance(milliseconds: 1_200)
        harness.send(Array(bytes[(2 * index - 1)..<(2 * index + 1)]))
      }
      harness.send(Array(bytes[47...]))
      #expect(try harness.sent()?.header.opcode == .nopOut)
    }
    #expect(harness.sessionState == .up)
    #expect(await harness.events() == [])
  }

  @Test("H05 the time of a PDU begins where the one before it ended")
  func timeStartsAnew() async throws {
    let harness = try ReactorHarness(timeouts: SessionTimeouts(pingIntervalMilliseconds: 0))
    let bytes = ping(harness)
    harness.send(Array(bytes[..<40]))
    harness.advance(milliseconds: 29_000)
    harness.send(Array(bytes[40...]) + bytes[..<40])
    harness.advance(milliseconds: 29_000)
    #expect(harness.sessionState == .up)
    harness.advance(milliseconds: 1_000)
    #expect(await harness.events() == [.sessionLost(ReactorHarness.session, .unitTimedOut)])
  }

  @Test("H06 reserved bits and bytes mean nothing, whatever they are")
  func reservedBits() throws {
    let harness = try ReactorHarness()
    let unique = harness.read(offset: 0, size: 512)
    let task = try harness.command().view.header.initiatorTaskTag
    var first = ProtocolDataUnit(
      header: DataIn(
        initiatorTaskTag: task, isFinal: true, status: nil, expCmdSN: harness.window.exp,
        maxCmdSN: harness.window.max, dataSN: 0, bufferOffset: 0
      ).header, data: .pattern(512)
    ).encoded()
    // 11.7: byte 0 bits 7 and 6, byte 1 bits 5 to 3, byte 2; without S the status and residual.
    first[0] |= 0xC0
    first[1] |= 0x38
    first[2] = 0xFF
    harness.send(first)
    var second = ProtocolDataUnit(
      header: SCSIResponse(
        initiatorTaskTag: task, status: .good, statSN: harness.nextStatSN(),
        expCmdSN: harness.window.exp, maxCmdSN: harness.window.max
      ).header
    ).encoded()
    // 11.4: byte 1 bits 6, 5 and 0; bytes 8 to 15.
    second[0] |= 0xC0
    second[1] |= 0x61
    second.replaceSubrange(8..<16, with: [UInt8](repeating: 0xFF, count: 8))
    harness.send(second)
    #expect(harness.reply() == .init(unique: unique, error: 0, payload: .pattern(512)))
    var third = ping(harness)
    // 11.19: byte 1 bits 6 to 0, bytes 2 and 3, 36 to 47.
    third[0] |= 0xC0
    third.replaceSubrange(1..<4, with: [0xFF, 0xFF, 0xFF])
    third.replaceSubrange(36..<48, with: [UInt8](repeating: 0xFF, count: 12))
    third[27] = 101
    harness.send(third)
    #expect(try harness.sent()?.header.opcode == .nopOut)
    #expect(harness.sessionState == .up)
  }

  @Test("H01, H07 a segment of exactly our limit is taken although its padding goes past it")
  func paddingPastLimit() async throws {
    var parameters = NegotiatedParameters()
    parameters.maxRecvDataSegmentLength = 513
    let harness = try ReactorHarness(parameters: parameters)
    let task = ControlTask(
      session: ReactorHarness.session, lun: LogicalUnitNumber(number: 1), cdb: .inquiry(),
      dataInCapacity: 513)
    let result = try await harness.told(
      { .execute(task, $0) },
      meanwhile: {
        harness.send(dataIn(harness, try harness.command().view.header.initiatorTaskTag, 513))
      })
    #expect(try result.get().data == .pattern(513))
  }

  @Test("H07 garbage in the padding is no data")
  func padding() async throws {
    let harness = try ReactorHarness()
    let task = ControlTask(
      session: ReactorHarness.session, lun: LogicalUnitNumber(number: 1), cdb: .inquiry(),
      dataInCapacity: 37)
    for end in 0..<4 {
      let result = try await harness.told(
        { .execute(task, $0) },
        meanwhile: {
          var bytes = dataIn(harness, try harness.command().view.header.initiatorTaskTag, 37)
          bytes.replaceSubrange(85..<88, with: [0xFF, 0xEE, 0xDD])
          // In one piece, and cut in the padding.
          harness.send(Array(bytes[..<(bytes.count - end)]))
          harness.send(Array(bytes[(bytes.count - end)...]))
        })
      #expect(try result.get() == .init(status: .good, data: .pattern(37), sense: []))
    }
  }
}
