import Testing

@testable import Interop

@Suite("Segments cut anew")
struct SegmentRecutterTests {
  /// A pcap record: Ethernet, IPv4 and TCP headers without options before `payload`.
  private func record(
    from source: UInt8, to destination: UInt8, _ sequence: UInt8, _ payload: [UInt8],
    flags: UInt8 = 0x18, acknowledging acknowledgement: UInt8 = 0
  ) -> [UInt8] {
    let length = 54 + payload.count
    let size = [UInt8(length & 0xFF), UInt8(length >> 8), 0, 0]
    let total = length - 14
    return [UInt8](repeating: 0, count: 8) + size + size  // time, lengths
      + [UInt8](repeating: 0, count: 12) + [8, 0]
      + [0x45, 0, UInt8(total >> 8), UInt8(total & 0xFF), 0, 0, 0, 0, 64, 6, 0, 0]
      + [127, 0, 0, 1, 127, 0, 0, 1]
      + [0, source, 0, destination, 0, 0, 0, sequence, 0, 0, 0, acknowledgement]
      + [0x50, flags, 0, 0, 0, 0, 0, 0] + payload
  }

  private let header: [UInt8] =
    [0xD4, 0xC3, 0xB2, 0xA1, 2, 0, 4, 0] + [UInt8](repeating: 0, count: 8)
    + [0, 0, 4, 0, 1, 0, 0, 0]

  private func pdu(_ opcode: UInt8, flags: UInt8 = 0x80, data: [UInt8] = []) -> [UInt8] {
    [opcode, flags, 0, 0, 0, 0, 0, UInt8(data.count)] + [UInt8](repeating: opcode, count: 40)
      + data + [UInt8](repeating: 0, count: (4 - data.count % 4) % 4)
  }

  private func recut(_ records: [[UInt8]]) throws -> [UInt8] {
    var recutter = try SegmentRecutter(header + records.joined(), targetPort: 99)
    try recutter.run()
    return recutter.output
  }

  @Test("A header that a segment cuts goes whole into the next one, and no segment has two")
  func split() throws {
    let (first, second) = (pdu(1), pdu(5, data: [1, 2, 3]))
    let all = first + second
    for cut in 1..<all.count {
      let output = try recut([
        record(from: 7, to: 99, 10, [], flags: 2),
        record(from: 7, to: 99, 11, Array(all[..<cut])),
        record(from: 7, to: 99, 11 + UInt8(cut), Array(all[cut...])),
      ])
      // Behind a cut within the second header its 48 bytes come as a packet of their own.
      let boundary = cut < 48 ? 0 : cut < 96 ? 48 : cut
      var expected = [record(from: 7, to: 99, 10, [], flags: 2)]
      expected.append(record(from: 7, to: 99, 11, Array(all[..<min(boundary, 48)])))
      if boundary > 48 {
        expected.append(record(from: 7, to: 99, 59, Array(all[48..<boundary])))
      }
      let start = 11 + UInt8(boundary)
      if cut == boundary {
        expected.append(record(from: 7, to: 99, start, Array(all[boundary...])))
      } else {
        expected.append(record(from: 7, to: 99, start, Array(all[boundary..<boundary + 48])))
        expected.append(record(from: 7, to: 99, start + 48, Array(all[(boundary + 48)...])))
      }
      #expect(output == header + expected.joined(), "cut at \(cut)")
    }
  }

  @Test("Digests count from the full feature phase on, as the Login Response says")
  func digests() throws {
    let login = pdu(0x23, flags: 0x87, data: Array("HeaderDigest=CRC32C\0".utf8))
    let command = pdu(1) + [9, 9, 9, 9]
    let output = try recut([
      record(from: 7, to: 99, 10, [], flags: 2),
      record(from: 99, to: 7, 20, [], flags: 0x12),
      record(from: 99, to: 7, 21, login),
      record(from: 7, to: 99, 11, command + command.prefix(5)),
      record(from: 7, to: 99, 68, Array(command.dropFirst(5))),
    ])
    let end =
      record(from: 7, to: 99, 11, command)
      + record(from: 7, to: 99, 63, Array(command.prefix(48)))
      + record(from: 7, to: 99, 111, Array(command.suffix(4)))
    #expect(Array(output.suffix(end.count)) == end)
  }

  @Test("Data digests are judged and taken out, numbers and acknowledgements with them")
  func dataDigests() throws {
    let login = pdu(0x23, flags: 0x87, data: Array("DataDigest=CRC32C\0".utf8))
    // RFC 3720, B.4: 32 bytes of zeros.
    let right: [UInt8] = [0xAA, 0x36, 0x91, 0x8A]
    let data = pdu(5, data: [UInt8](repeating: 0, count: 32))
    let begin = [
      record(from: 7, to: 99, 10, [], flags: 2), record(from: 99, to: 7, 20, [], flags: 0x12),
      record(from: 99, to: 7, 21, login),
    ]
    let flow = data + right + data + right.reversed() + pdu(1)
    for cut in 1..<flow.count {
      var recutter = try SegmentRecutter(
        header + begin.joined()
          + record(from: 7, to: 99, 11, Array(flow[..<cut]))
          + record(from: 7, to: 99, 11 + UInt8(cut), Array(flow[cut...]))
          + record(from: 99, to: 7, 80, [], acknowledging: 11 + UInt8(flow.count)),
        targetPort: 99)
      try recutter.run()
      #expect(recutter.right == [7: 0, 99: 1] && recutter.wrong == [7: 0, 99: 1], "\(cut)")
      #expect(payload(recutter.output, from: 7) == data + data + pdu(1), "\(cut)")
      let last = record(from: 99, to: 7, 80, [], acknowledging: 3 + UInt8(flow.count))
      #expect(recutter.output.suffix(last.count) == last[...], "\(cut)")
    }
  }

  /// What a port sent, put together by the sequence numbers (from 11 on).
  private func payload(_ capture: [UInt8], from port: UInt8) -> [UInt8] {
    var bytes: [UInt8] = []
    var offset = 24
    while offset < capture.count {
      let length = Int(capture[offset + 8]) | Int(capture[offset + 9]) << 8
      let packet = capture[offset + 16..<offset + 16 + length]
      offset += 16 + length
      let tcp = packet.startIndex + 34
      guard packet[tcp + 1] == port, packet.count > 54 else { continue }
      #expect(Int(packet[tcp + 7]) == 11 + bytes.count)
      bytes += packet.dropFirst(54)
    }
    return bytes
  }

  @Test("Bytes that came before go; a hole and what is no capture are told")
  func others() throws {
    let packets = [
      record(from: 7, to: 99, 10, [], flags: 2), record(from: 7, to: 99, 11, pdu(1)),
      record(from: 7, to: 99, 11, pdu(1)), record(from: 7, to: 99, 59, pdu(1)),
    ]
    let wanted = header + [packets[0], packets[1], packets[3]].joined()
    #expect(try recut(packets) == wanted)
    // Sent again with more behind it.
    #expect(
      try recut([packets[0], packets[1], record(from: 7, to: 99, 11, pdu(1) + pdu(1))]) == wanted)
    // Captured in another order than sent.
    let late = [packets[0], packets[3], packets[1]]
    #expect(try recut(late) == wanted)
    #expect(throws: InteropFailure.self) { try recut([packets[0], packets[3]]) }
    #expect(throws: InteropFailure.self) { try recut([Array(packets[1].dropLast())]) }
    #expect(throws: InteropFailure.self) { try SegmentRecutter([1, 2, 3], targetPort: 99) }
  }
}
