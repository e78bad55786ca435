import ISCSI
import LinuxIO
import SCSI
import SystemPackage
import Testing
import Wire

@testable import Reactor

@Suite("Capturing a session", .timeLimit(.minutes(5)))
struct CaptureTests {
  private static let path = CapturePath(
    local: [127, 0, 0, 2], remote: [127, 0, 0, 1], localPort: 40_000, remotePort: 3260)

  /// The records a PDU of these pieces makes.
  private func records(
    _ writer: inout PacketWriter, header: [UInt8], payload: [UInt8] = [], trailer: [UInt8] = [],
    _ direction: PacketWriter.Direction = .sent
  ) -> [[UInt8]] {
    var records: [[UInt8]] = []
    unsafe header.withUnsafeBytes { header in
      unsafe payload.withUnsafeBytes { payload in
        unsafe trailer.withUnsafeBytes { trailer in
          unsafe writer.write(
            CapturedPDU(header: header, payload: payload, trailer: trailer), direction,
            at: WallTime(nanoseconds: 0x0102_0304 * 1_000_000_000 + 5_000)
          ) { records.append([UInt8]($0)) }
        }
      }
    }
    return records
  }

  @Test("A file begins with pcap's header: version 2.4, LINKTYPE_RAW")
  func fileHeader() {
    #expect(
      PacketWriter.fileHeader == [
        0xD4, 0xC3, 0xB2, 0xA1, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10, 0x28, 0, 0, 101, 0, 0, 0,
      ])
  }

  /// Checksums: RFC 1071, computed by hand with `printf` and `bc` for this packet.
  @Test("A PDU becomes a packet with both ends' addresses, counting sequence numbers")
  func packet() {
    var writer = PacketWriter(path: Self.path)
    let header = [UInt8](repeating: 0, count: 48)
    let first = records(&writer, header: header)
    #expect(first.count == 1)
    #expect(
      [UInt8](first[0].prefix(16 + 20)) == [
        4, 3, 2, 1, 5, 0, 0, 0, 88, 0, 0, 0, 88, 0, 0, 0,
        0x45, 0, 0, 88, 0, 1, 0x40, 0, 64, 6, 0x3C, 0x9C, 127, 0, 0, 2, 127, 0, 0, 1,
      ])
    #expect(
      [UInt8](first[0][36..<52]) == [
        0x9C, 0x40, 0x0C, 0xBC, 0, 0, 0, 1, 0, 0, 0, 1, 0x50, 0x18, 0xFF, 0xFF,
      ])
    #expect(isSound(first[0]))
    let second = records(&writer, header: header, payload: [1, 2, 3, 4])
    #expect([UInt8](second[0][40..<48]) == [0, 0, 0, 49, 0, 0, 0, 1])
    let answer = records(&writer, header: header, .received)
    #expect([UInt8](answer[0][36..<48]) == [0x0C, 0xBC, 0x9C, 0x40, 0, 0, 0, 1, 0, 0, 0, 101])
    #expect(isSound(second[0]) && isSound(answer[0]))
  }

  /// The sum of everything a checksum covers, itself included, is all ones (RFC 1071).
  private func isSound(_ record: [UInt8]) -> Bool {
    var ip = InternetChecksum()
    ip.add([UInt8](record[16..<36]))
    var tcp = InternetChecksum()
    tcp.add([UInt8](record[28..<36]))
    let length = record.count - 36
    tcp.add([0, 6, UInt8(length >> 8), UInt8(length & 0xFF)])
    tcp.add([UInt8](record[36...]))
    return ip.value == 0 && tcp.value == 0
  }

  @Test(
    "Much data is cut by the record's length, never by the packet's; its checksum is the whole's")
  func cut() {
    var writer = PacketWriter(path: Self.path)
    let header = [UInt8](repeating: 7, count: 48)
    let payload = [UInt8].pattern(1001)
    let records = records(&writer, header: header, payload: payload, trailer: [0, 0, 0])
    #expect(records.count == 1)
    let record = records[0]
    #expect([UInt8](record[8..<16]) == [0x58, 1, 0, 0, 0x44, 4, 0, 0])  // 344 of 1092
    #expect(record.count == 16 + 344)
    #expect([UInt8](record.suffix(256)) == [UInt8](payload.prefix(256)))
    #expect([UInt8](record[18..<20]) == [0x04, 0x44])
    var whole = record
    whole.replaceSubrange(104..., with: payload + [0, 0, 0])
    #expect(isSound(whole))
  }

  @Test("A PDU too long for a packet goes on in others, whose bytes are not kept")
  func long() {
    var writer = PacketWriter(path: Self.path)
    let header = [UInt8](repeating: 7, count: 48)
    let records = records(&writer, header: header, payload: .pattern(1 << 18), .received)
    #expect(records.count == 5)
    #expect(records.map(\.count) == [16 + 344, 56, 56, 56, 56])
    let sequence = records.map { $0.withRawSpan { $0.bigEndian(at: 40, as: UInt32.self) } }
    #expect(sequence == [1, 65_473, 130_945, 196_417, 261_889])
    let lengths = records.map { $0.withRawSpan { Int($0.bigEndian(at: 18, as: UInt16.self)) - 40 } }
    #expect(lengths.reduce(0, +) == 48 + 1 << 18)
  }

  @Test("IPv6 ends make IPv6 packets")
  func ipv6() {
    let loopback = [UInt8](repeating: 0, count: 15) + [1]
    var writer = PacketWriter(
      path: CapturePath(local: loopback, remote: loopback, localPort: 1, remotePort: 2))
    let record = records(&writer, header: [UInt8](repeating: 0, count: 48))[0]
    #expect(record.count == 16 + 40 + 20 + 48)
    #expect([UInt8](record[16..<24]) == [0x60, 0, 0, 0, 0, 68, 6, 64])
    #expect([UInt8](record[24..<56]) == loopback + loopback)
    var tcp = InternetChecksum()
    tcp.add([UInt8](record[24..<56]))
    tcp.add([0, 6, 0, 68])
    tcp.add([UInt8](record[56...]))
    #expect(tcp.value == 0)
  }

  @Test("Odd pieces sum as the bytes in one", arguments: 0..<8)
  func checksum(split: Int) {
    let bytes: [UInt8] = [0x12, 0x34, 0x56, 0x78, 0x9A, 0xBC, 0xDE]
    var whole = InternetChecksum()
    whole.add(bytes)
    var pieces = InternetChecksum()
    pieces.add([UInt8](bytes.prefix(split)))
    pieces.add([UInt8](bytes.dropFirst(split)))
    // 1234 + 5678 + 9ABC + DE00 = 1E168, folded E169, inverted.
    #expect(whole.value == 0x1E96 && pieces.value == 0x1E96)
  }
}

@Suite("A session that is captured", .bothChannels, .timeLimit(.minutes(5)))
struct CapturedSessionTests {
  /// Lets the reactor show its session to a new stream.
  private func capture(_ harness: ReactorHarness) async throws -> ByteStream {
    let stream = ByteStream(capacity: CaptureTap.streamBytes)
    let session = ReactorHarness.session
    #expect(try await harness.told({ .capture(session, stream, $0) }, meanwhile: {}) == nil)
    return stream
  }

  /// Every record so far: whether it was sent, and what of the PDU is in it.
  private func records(_ stream: ByteStream) async throws -> [(isSent: Bool, bytes: [UInt8])] {
    var records: [(Bool, [UInt8])] = []
    while stream.poll(nil) == (true, false) {
      let bytes = [UInt8](try await stream.read(count: 1 << 20, waits: false))
      stream.settle(taken: bytes.count)
      var offset = bytes.starts(with: PacketWriter.fileHeader) ? 24 : 0
      while offset < bytes.count {
        let count = Int(bytes.native(at: offset + 8, as: UInt32.self))
        let isSent = bytes[offset + 36..<offset + 38] == [0xC0, 0]
        records.append((isSent, [UInt8](bytes[offset + 56..<offset + 16 + count])))
        offset += 16 + count
      }
    }
    return records
  }

  @Test("shows what passes, both ways, until its readers are gone; then nothing is left of it")
  func passing() async throws {
    let harness = try ReactorHarness()
    #expect(!harness.isCaptured)
    _ = harness.read(offset: 0, size: 512)
    _ = try harness.command()
    let stream = try await capture(harness)
    #expect(harness.isCaptured)
    _ = harness.read(offset: 512, size: 512)
    let command = try harness.command().unit
    harness.sendDataIn(command.header.initiatorTaskTag, .pattern(512))
    _ = harness.write(offset: 0, .pattern(512))
    let write = try harness.command().unit
    harness.sendResponse(write.header.initiatorTaskTag)
    let shown = try await records(stream)
    #expect(shown.map(\.isSent) == [true, false, true, false])
    #expect(shown[0].bytes == command.encoded(headerDigest: false, dataDigest: false))
    #expect(shown[1].bytes.count == 48 + 256 && shown[1].bytes[0] == 0x25)
    #expect([UInt8](shown[1].bytes[48...]) == .pattern(256))
    #expect(
      shown[2].bytes == [UInt8](write.encoded(headerDigest: false, dataDigest: false).prefix(304)))
    #expect(shown[3].bytes.count == 48 && shown[3].bytes[0] == 0x21)
    stream.close()
    _ = harness.read(offset: 0, size: 512)
    _ = try harness.command()
    #expect(!harness.isCaptured)
  }

  @Test("shows a large Data-In with digests as it came on the wire")
  func large() async throws {
    var parameters = NegotiatedParameters()
    parameters.headerDigest = true
    parameters.dataDigest = true
    parameters.maxRecvDataSegmentLength = 65536
    let harness = try ReactorHarness(parameters: parameters)
    let stream = try await capture(harness)
    _ = harness.read(offset: 0, size: 65536)
    let task = try harness.command().view.header.initiatorTaskTag
    let bytes = ProtocolDataUnit(
      header: DataIn(
        initiatorTaskTag: task, isFinal: true, status: (.good, harness.nextStatSN(), .none),
        expCmdSN: harness.window.exp, maxCmdSN: harness.window.max, dataSN: 0, bufferOffset: 0
      ).header, data: .pattern(65536)
    ).encoded(headerDigest: true, dataDigest: true)
    for start in stride(from: 0, to: bytes.count, by: 20_000) {
      harness.send(Array(bytes[start..<min(start + 20_000, bytes.count)]))
    }
    #expect(harness.reply()?.payload == .pattern(65536))
    let shown = try await records(stream)
    #expect(shown.map(\.isSent) == [true, false, false])
    #expect(shown[1].bytes == [UInt8](bytes.prefix(52 + 256)))
    #expect(shown[2].bytes.isEmpty)
  }

  @Test("shows the login that follows a loss, and ends with the session")
  func ends() async throws {
    let harness = try ReactorHarness()
    let stream = try await capture(harness)
    try harness.closeTarget()
    let request = [UInt8]([0x43]) + [0, 0, 0, 0, 0, 4, 3] + [UInt8](repeating: 0, count: 40)
    let login = request + .pattern(1027) + [0]
    harness.loginPDUs = [LoginPDU(isSent: true, bytes: login)]
    try harness.reconnect()
    _ = harness.read(offset: 0, size: 512)
    _ = try harness.command()
    let shown = try await records(stream)
    #expect(shown.map(\.isSent) == [true, true])
    // Text is kept whole.
    #expect(shown.first?.bytes == login)
    harness.stop()
    #expect(stream.poll(nil) == (true, true))
    let session = ReactorHarness.session
    await #expect(throws: Errno.socketNotConnected) { try await harness.port.capture(session) }
  }

  @Test("has four readers at most")
  func readers() async throws {
    let harness = try ReactorHarness()
    for _ in 0..<CaptureTap.streamLimit { _ = try await capture(harness) }
    let session = ReactorHarness.session
    let stream = ByteStream(capacity: 100)
    #expect(
      try await harness.told({ .capture(session, stream, $0) }, meanwhile: {})
        == .tooManyOpenFilesInSystem)
  }
}

extension ReactorHarness {
  var isCaptured: Bool { reactor.connections[5].observer.tap != nil }
}
