import Glibc
import ISCSI
import SCSI
import Testing
import Wire

@testable import Reactor

/// RFC 7143, 7.8, 11.2.3 and 13.1, at ErrorRecoveryLevel 0.
@Suite("Digests", .bothChannels, .timeLimit(.minutes(5)))
struct DigestTests {
  private static func parameters(header: Bool, data: Bool) -> NegotiatedParameters {
    var parameters = NegotiatedParameters()
    parameters.headerDigest = header
    parameters.dataDigest = data
    parameters.maxRecvDataSegmentLength = 65_536
    return parameters
  }

  /// What the harness receives is checked by an assembler that knows the digests.
  @Test(
    "D02, D03, D04: reads and writes in every mode with each digest",
    arguments: [(true, false), (false, true), (true, true)], [0, 1, 2, 3])
  func modes(digests: (header: Bool, data: Bool), mode: Int) throws {
    var parameters = Self.parameters(header: digests.header, data: digests.data)
    parameters.immediateData = mode & 1 == 0
    parameters.initialR2T = mode & 2 == 0
    parameters.firstBurstLength = 1024
    parameters.maxXmitDataSegmentLength = 513
    let harness = try ReactorHarness(parameters: parameters)
    let payload = [UInt8].pattern(4096)
    let write = harness.write(offset: 0, payload)
    let command = try harness.command()
    let task = command.view.header.initiatorTaskTag
    var received = command.unit.data
    while let unit = try harness.sent() { received += unit.data }
    #expect(received.count == [513, 0, 1024, 1024][mode])
    harness.sendR2T(
      task, transferTag: 1, r2tSN: 0, offset: UInt32(received.count),
      length: UInt32(4096 - received.count))
    while let unit = try harness.sent() { received += unit.data }
    #expect(received == payload)
    harness.sendResponse(task)
    #expect(harness.reply() == .init(unique: write, error: 0, payload: .accepted(4096)))
    let read = harness.read(offset: 0, size: 32_768)
    let reading = try harness.command().view.header.initiatorTaskTag
    harness.sendDataIn(reading, .pattern(20_000), status: nil)
    harness.sendDataIn(reading, .pattern(12_768, from: 20_000), offset: 20_000, dataSN: 1)
    #expect(harness.reply() == .init(unique: read, error: 0, payload: .pattern(32_768)))
  }

  /// The PDU with both digests, its padding of `pad`, its digests right for it.
  private func padded(_ header: BasicHeaderSegment, _ data: [UInt8], pad: UInt8) -> [UInt8] {
    let count = -data.count & 3
    var bytes = ProtocolDataUnit(header: header, data: data).encoded(headerDigest: true)
    bytes.removeLast(count)
    let covered = data + [UInt8](repeating: pad, count: count)
    bytes.removeLast(data.count)
    bytes += covered
    var digest = CRC32C()
    covered.withRawSpan { digest.update($0) }
    bytes.appendBigEndian(digest.value.byteSwapped)
    return bytes
  }

  @Test("D07: padding is covered as received, small and large", arguments: [509, 16_383, 20_001])
  func padding(length: Int) throws {
    let harness = try ReactorHarness(parameters: Self.parameters(header: true, data: true))
    let size = (length + 511) / 512 * 512
    let unique = harness.read(offset: 0, size: UInt32(size))
    let task = try harness.command().view.header.initiatorTaskTag
    let data = [UInt8].pattern(size)
    let first = DataIn(
      initiatorTaskTag: task, isFinal: false, expCmdSN: harness.window.exp,
      maxCmdSN: harness.window.max, dataSN: 0, bufferOffset: 0)
    let bytes = padded(first.header, Array(data[..<length]), pad: 0xA5)
    harness.send(Array(bytes[..<(bytes.count - 5)]))
    harness.send(Array(bytes[(bytes.count - 5)...]))
    harness.sendDataIn(task, Array(data[length...]), offset: UInt32(length), dataSN: 1)
    #expect(harness.reply() == .init(unique: unique, error: 0, payload: data))
  }

  @Test("D07, D11: padding of a SCSI Response is covered too")
  func paddedResponse() throws {
    let harness = try ReactorHarness(parameters: Self.parameters(header: true, data: true))
    let unique = harness.read(offset: 0, size: 512)
    let response = SCSIResponse(
      initiatorTaskTag: try harness.command().view.header.initiatorTaskTag,
      status: .checkCondition, statSN: harness.nextStatSN(), expCmdSN: harness.window.exp,
      maxCmdSN: harness.window.max)
    let sense = [0, 17] + [UInt8].sense(0x3, 0x11, 0)[..<17]
    harness.send(padded(response.header, sense, pad: 0x5A))
    #expect(harness.reply() == .init(unique: unique, error: -EIO, payload: []))
  }

  @Test("D05: additional header is covered by the header digest")
  func additionalHeader() async throws {
    for isBroken in [false, true] {
      let harness = try ReactorHarness(parameters: Self.parameters(header: true, data: true))
      let unique = harness.read(offset: 0, size: 512)
      let task = try harness.command().view.header.initiatorTaskTag
      var bytes = ProtocolDataUnit(
        header: DataIn(
          initiatorTaskTag: task, isFinal: true, status: (.good, harness.nextStatSN(), .none),
          expCmdSN: harness.window.exp, maxCmdSN: harness.window.max, dataSN: 0, bufferOffset: 0
        ).header, additionalHeader: [0, 5, 0x3F, 1, 2, 3, 4, 5], data: .pattern(512)
      ).encoded(headerDigest: true, dataDigest: true)
      if isBroken { bytes[52] ^= 0x10 }
      harness.send(bytes)
      #expect(
        harness.reply()
          == (isBroken ? nil : .init(unique: unique, error: 0, payload: .pattern(512))))
      let losses = await harness.losses()
      #expect(losses.count == (isBroken ? 1 : 0))
    }
  }

  @Test("D06: a PDU without data has no data digest, ours and the target's")
  func withoutData() throws {
    let harness = try ReactorHarness(parameters: Self.parameters(header: true, data: true))
    let unique = harness.write(offset: 0, .pattern(512))
    let task = try harness.command().view.header.initiatorTaskTag
    harness.sendResponse(task)
    #expect(harness.reply() == .init(unique: unique, error: 0, payload: .accepted(512)))
    _ = harness.read(offset: 0, size: 512)
    var buffer = [UInt8](repeating: 0, count: 256)
    #expect(unsafe recv(harness.target, &buffer, 256, CInt(MSG_DONTWAIT)) == 52)
  }

  @Test("D08: the first PDU after login bears digests, also where it came with the login's last")
  func firstPDU() async throws {
    let harness = try ReactorHarness(parameters: Self.parameters(header: true, data: true))
    try harness.closeTarget()
    let ping = ProtocolDataUnit(
      header: NOPIn(
        targetTransferTag: TargetTransferTag(rawValue: 5), statSN: SerialNumber(rawValue: 100),
        expCmdSN: SerialNumber(rawValue: 50), maxCmdSN: SerialNumber(rawValue: 60)
      ).header)
    try harness.reconnect(earlyBytes: ping.encoded(headerDigest: true))
    #expect(try harness.sent()?.header.targetTransferTag.rawValue == 5)
    try harness.closeTarget()
    try harness.reconnect(earlyBytes: ping.encoded() + [0, 0, 0, 0])
    let losses = await harness.losses()
    guard case .malformed(.headerDigest)? = losses.last else {
      Issue.record("a PDU without digest was taken: \(losses)")
      return
    }
  }

  private func headers(_ harness: ReactorHarness) throws -> [BasicHeaderSegment] {
    _ = harness.write(offset: 0, .pattern(16_384))
    let task = try harness.command().view.header.initiatorTaskTag
    let (exp, max) = harness.window
    let number = harness.comingStatSN
    return [
      NOPIn(
        targetTransferTag: TargetTransferTag(rawValue: 1), statSN: number, expCmdSN: exp,
        maxCmdSN: max
      ).header,
      SCSIResponse(
        initiatorTaskTag: task, status: .good, statSN: number, expCmdSN: exp, maxCmdSN: max
      ).header,
      TaskManagementResponse(
        response: .functionComplete, initiatorTaskTag: task, statSN: number, expCmdSN: exp,
        maxCmdSN: max
      ).header,
      TextResponse(
        isFinal: true, initiatorTaskTag: task, statSN: number, expCmdSN: exp, maxCmdSN: max
      ).header,
      DataIn(
        initiatorTaskTag: task, isFinal: true, status: (.good, number, .none), expCmdSN: exp,
        maxCmdSN: max, dataSN: 0, bufferOffset: 0
      ).header,
      LogoutResponse(
        response: .closed, initiatorTaskTag: task, statSN: number, expCmdSN: exp, maxCmdSN: max
      ).header,
      harness.readyToTransfer(task, transferTag: 1, r2tSN: 0, offset: 8192, length: 8192),
      AsyncMessage(
        event: .scsiAsyncEvent, statSN: number, expCmdSN: exp, maxCmdSN: max
      ).header,
      Reject(reason: .protocolError, statSN: number, expCmdSN: exp, maxCmdSN: max).header,
    ]
  }

  /// Each bit in one of the PDUs; that each is found in all of them `PDUBytesTests` says.
  @Test(
    "D09, D12: a flipped header bit of any PDU ends the connection", .only(.device),
    arguments: 0..<9)
  func headerBits(opcode: Int) async throws {
    for bit in stride(from: opcode, to: 384, by: 9) where !(32..<64).contains(bit) {
      let harness = try ReactorHarness(parameters: Self.parameters(header: true, data: true))
      var bytes = ProtocolDataUnit(header: try headers(harness)[opcode]).encoded(
        headerDigest: true)
      bytes[bit / 8] ^= 0x80 >> UInt8(bit % 8)
      harness.send(bytes)
      let losses = await harness.losses()
      guard losses.count == 1, case .malformed(.headerDigest) = losses[0] else {
        Issue.record("bit \(bit) of PDU \(opcode): \(losses)")
        continue
      }
    }
  }

  @Test(
    "D09: flipped bits of the lengths end the connection, at the latest with what follows",
    .only(.device))
  func lengthBits() async throws {
    for bit in 32..<64 {
      let harness = try ReactorHarness(parameters: Self.parameters(header: true, data: true))
      var bytes = ProtocolDataUnit(header: try headers(harness)[0]).encoded(headerDigest: true)
      bytes[bit / 8] ^= 0x80 >> UInt8(bit % 8)
      harness.send(bytes)
      // As much as additional header may be.
      if harness.sessionState == .up { harness.send([UInt8](repeating: 0, count: 1024)) }
      let losses = await harness.losses()
      guard losses.count == 1, case .malformed = losses[0] else {
        Issue.record("bit \(bit): \(losses)")
        continue
      }
    }
  }

  @Test("D10: a wrong digest of Data-In ends the connection; the read comes whole by the next")
  func dataIn() async throws {
    for length in [512, 32_768] {
      let harness = try ReactorHarness(parameters: Self.parameters(header: true, data: true))
      let unique = harness.read(offset: 0, size: UInt32(length))
      let task = try harness.command().view.header.initiatorTaskTag
      var bytes = ProtocolDataUnit(
        header: DataIn(
          initiatorTaskTag: task, isFinal: true, status: (.good, harness.nextStatSN(), .none),
          expCmdSN: harness.window.exp, maxCmdSN: harness.window.max, dataSN: 0, bufferOffset: 0
        ).header, data: .pattern(length)
      ).encoded(headerDigest: true, dataDigest: true)
      bytes[52 + length / 2] ^= 1
      harness.send(Array(bytes[..<100]))
      harness.send(Array(bytes[100...]))
      #expect(harness.reply() == nil)
      try harness.reconnect()
      harness.sendDataIn(try harness.command().view.header.initiatorTaskTag, .pattern(length))
      #expect(harness.reply() == .init(unique: unique, error: 0, payload: .pattern(length)))
      guard case .malformed(.dataDigest(.dataIn, _, _))? = await harness.losses().first else {
        Issue.record("the connection was not given up for its digest")
        return
      }
    }
  }

  @Test(
    "D11: a wrong data digest of any other PDU ends the connection", arguments: [0, 1, 3, 7, 8])
  func otherPDUs(opcode: Int) async throws {
    let harness = try ReactorHarness(parameters: Self.parameters(header: true, data: true))
    let header = try headers(harness)[opcode]
    var bytes = ProtocolDataUnit(header: header, data: .pattern(21)).encoded(
      headerDigest: true, dataDigest: true)
    bytes[60] ^= 0x80
    harness.send(bytes)
    let losses = await harness.losses()
    guard losses.count == 1, case .malformed(.dataDigest(header.opcode, _, _)) = losses[0] else {
      Issue.record("\(losses)")
      return
    }
  }

  @Test("D14: what waits in a full queue leaves with the digest of what was written")
  func retained() throws {
    var parameters = NegotiatedParameters.manySegments
    parameters.headerDigest = true
    parameters.dataDigest = true
    let harness = try ReactorHarness(parameters: parameters)
    harness.fillTransmitQueue()
    var bytes: [UInt32: [UInt8]] = [:]
    // The assembler throws at the first digest that is not its payload's.
    while let unit = try harness.sent() {
      bytes[unit.header.initiatorTaskTag.rawValue, default: []] += unit.data
    }
    let pattern = [UInt8].pattern(1 << 17)
    #expect(bytes.count == 10 && bytes.values.allSatisfy { $0 == pattern })
  }

  private struct Dice {
    private var state: UInt64 = 0x1234_5678

    mutating func callAsFunction(_ bound: Int) -> Int {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Int(state >> 33) % bound
    }
  }

  /// The check every data segment passes, small and large (`Reactor+Receive`, `Reactor+DataIn`).
  @Test("D15: in a million PDUs one or two flipped bits never pass the check", .only(.device))
  func millionFlips() {
    var random = Dice()
    var missed = 0
    for length in [509, 512] {
      let header = BasicHeaderSegment(opcode: .dataIn)
      var bytes = Array(
        ProtocolDataUnit(header: header, data: .pattern(length)).encoded(
          headerDigest: false, dataDigest: true)[48...])
      #expect(bytes.count == 516 && Self.passes(bytes, length))
      for round in 0..<500_000 {
        let first = random(4128)
        bytes[first >> 3] ^= 1 << UInt8(first & 7)
        let second = (first + 1 + random(4127)) % 4128
        if round & 1 == 1 { bytes[second >> 3] ^= 1 << UInt8(second & 7) }
        if Self.passes(bytes, length) { missed += 1 }
        bytes[first >> 3] ^= 1 << UInt8(first & 7)
        if round & 1 == 1 { bytes[second >> 3] ^= 1 << UInt8(second & 7) }
      }
      #expect(Self.passes(bytes, length))
    }
    #expect(missed == 0)
  }

  private static func passes(_ segment: [UInt8], _ length: Int) -> Bool {
    // SAFETY: bytes have no padding.
    let span = unsafe segment.span.bytes
    return Reactor.dataDigestError(
      span.extracting(first: length), span.extracting(droppingFirst: length), .dataIn) == nil
  }

  @Test("D15: one or two flipped bits in a payload never reach a caller")
  func flippedBits() throws {
    var random = Dice()
    let harness = try ReactorHarness(
      parameters: Self.parameters(header: true, data: true),
      timeouts: SessionTimeouts(replacementMilliseconds: nil))
    let unique = harness.read(offset: 0, size: 512)
    for round in 0..<500 {
      let task = try harness.command().view.header.initiatorTaskTag
      var bytes = ProtocolDataUnit(
        header: DataIn(
          initiatorTaskTag: task, isFinal: true, status: (.good, harness.nextStatSN(), .none),
          expCmdSN: harness.window.exp, maxCmdSN: harness.window.max, dataSN: 0, bufferOffset: 0
        ).header, data: .pattern(512)
      ).encoded(headerDigest: true, dataDigest: true)
      // Payload and its digest.
      let bits = 516 * 8
      let first = random(bits)
      bytes[52 + first / 8] ^= 1 << UInt8(first % 8)
      if round % 2 == 1 {
        let second = (first + 1 + random(bits - 1)) % bits
        bytes[52 + second / 8] ^= 1 << UInt8(second % 8)
      }
      harness.send(bytes)
      #expect(harness.reply() == nil)
      try harness.reconnect()
    }
    harness.sendDataIn(try harness.command().view.header.initiatorTaskTag, .pattern(512))
    #expect(harness.reply() == .init(unique: unique, error: 0, payload: .pattern(512)))
  }

  @Test("D16: the next connection has its own digests")
  func nextConnection() throws {
    let harness = try ReactorHarness(parameters: Self.parameters(header: true, data: true))
    _ = harness.write(offset: 0, .pattern(512))
    _ = try harness.command()
    try harness.reconnect(as: Self.parameters(header: false, data: false))
    let plain = try harness.command()
    #expect(plain.unit.data == .pattern(512))
    try harness.reconnect(as: Self.parameters(header: false, data: true))
    let again = try harness.command()
    harness.sendResponse(again.view.header.initiatorTaskTag)
    #expect(harness.reply()?.payload == .accepted(512))
  }
}
