package import ISCSI

/// A capture file (pcap) of PDUs that a test has made, each in a TCP segment of its own.
///
/// Initiators' opcodes go to the target's port, all others come from it.
package struct PDUCapture {
  package static let targetPort: UInt16 = 3260
  private static let initiatorPort: UInt16 = 40_000

  /// The file so far.
  package private(set) var bytes: [UInt8]
  private var sentCount: UInt32 = 1
  private var receivedCount: UInt32 = 1

  package init() {
    bytes = []
    // Version 2.4, times in microseconds, LINKTYPE_RAW.
    for word: UInt32 in [0xA1B2_C3D4, 0x0004_0002, 0, 0, 65_535, 101] { append(word) }
  }

  package mutating func append(
    _ unit: ProtocolDataUnit, headerDigest: Bool = false, dataDigest: Bool = false
  ) {
    let payload = unit.encoded(headerDigest: headerDigest, dataDigest: dataDigest)
    let isSent = unit.header.opcode.rawValue < 0x20
    let length = UInt32(40 + payload.count)
    for word in [1, 0, length, length] { append(word) }
    // IPv4, don't fragment, 64 hops, TCP; no checksum: tshark looks at none.
    appendBigEndian([0x4500_0000 | length, 0x0000_4000, 0x4006_0000, 0x7F00_0001, 0x7F00_0001])
    let ports = UInt32(Self.initiatorPort) << 16 | UInt32(Self.targetPort)
    let numbers = isSent ? [sentCount, receivedCount] : [receivedCount, sentCount]
    // Five words, PSH and ACK, the widest window.
    appendBigEndian([isSent ? ports : ports << 16 | ports >> 16] + numbers + [0x5018_FFFF, 0])
    bytes += payload
    if isSent {
      sentCount &+= UInt32(payload.count)
    } else {
      receivedCount &+= UInt32(payload.count)
    }
  }

  private mutating func append(_ word: UInt32) {
    for shift: UInt32 in [0, 8, 16, 24] { bytes.append(UInt8(truncatingIfNeeded: word >> shift)) }
  }

  private mutating func appendBigEndian(_ words: [UInt32]) {
    for word in words { append(word.byteSwapped) }
  }
}
