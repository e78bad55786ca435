import ISCSI
import LinuxIO
import Wire

/// Makes a capture file of PDUs: pcap records with an IP and a TCP header each.
///
/// A PDU begins a segment of its own, so that who reads finds it without what came before. Of its
/// data the first `dataLimit` bytes are kept (of text `textLimit`); lengths, sequence numbers and
/// checksums are those of the whole.
struct PacketWriter {
  enum Direction: Equatable, Sendable { case sent, received }

  /// LINKTYPE_RAW: packets begin with their IP header.
  private static let linkType: UInt32 = 101
  /// The most a record may have: headers, a whole PDU's header with additional ones, kept data.
  static let recordLimit = 10 * 1024
  /// Data bytes kept of a PDU.
  static let dataLimit = 256
  /// The same where they are text, which a login never has more of (RFC 7143, 13.12).
  static let textLimit = 8192
  /// The most TCP payload in an IP packet of 65,535 bytes, with room for IPv6's header.
  static let segmentLimit = 65_472

  let path: CapturePath
  private var sentCount: UInt32 = 1
  private var receivedCount: UInt32 = 1
  private var identification: UInt16 = 0
  /// The record under construction; its memory is used again.
  private var record: [UInt8] = []

  init(path: CapturePath) {
    self.path = path
    record.reserveCapacity(16 + 60 + Self.recordLimit)
  }

  /// The header a capture file begins with (pcap, version 2.4, microseconds).
  static var fileHeader: [UInt8] {
    var bytes: [UInt8] = []
    bytes.appendLittleEndian(0xA1B2_C3D4 as UInt32)
    bytes.appendLittleEndian(2 as UInt16)
    bytes.appendLittleEndian(4 as UInt16)
    bytes.appendLittleEndian(0 as UInt32)
    bytes.appendLittleEndian(0 as UInt32)
    bytes.appendLittleEndian(UInt32(16 + recordLimit))
    bytes.appendLittleEndian(linkType)
    return bytes
  }

  /// Hands `write` a record for each packet the PDU needs.
  mutating func write(
    _ pdu: CapturedPDU, _ direction: Direction, at time: WallTime,
    to write: (ArraySlice<UInt8>) -> Void
  ) {
    let limit = unsafe pdu.header.first.map(Self.isText) == true ? Self.textLimit : Self.dataLimit
    let isKept = unsafe pdu.payload.count <= limit
    let keptCount = unsafe isKept ? pdu.byteCount : pdu.header.count + limit
    var offset = 0
    repeat {
      let end = min(offset + Self.segmentLimit, pdu.byteCount)
      append(pdu, offset..<end, keeping: max(0, keptCount - offset), direction, at: time)
      write(record[...])
      offset = end
    } while offset < pdu.byteCount
  }

  /// Whether a PDU that begins with this byte carries text.
  private static func isText(_ first: UInt8) -> Bool {
    switch Opcode(rawValue: first & 0x3F) {
    case .loginRequest, .loginResponse, .textRequest, .textResponse: true
    default: false
    }
  }

  /// Makes the record of one segment.
  private mutating func append(
    _ pdu: CapturedPDU, _ range: Range<Int>, keeping limit: Int, _ direction: Direction,
    at time: WallTime
  ) {
    record.removeAll(keepingCapacity: true)
    let headerLength = (path.local.count == 4 ? 20 : 40) + 20
    let kept = range.lowerBound..<min(range.upperBound, range.lowerBound + limit)
    record.appendLittleEndian(UInt32(truncatingIfNeeded: time.nanoseconds / 1_000_000_000))
    record.appendLittleEndian(UInt32(time.nanoseconds % 1_000_000_000 / 1000))
    record.appendLittleEndian(UInt32(headerLength + kept.count))
    record.appendLittleEndian(UInt32(headerLength + range.count))
    let isSent = direction == .sent
    let (source, destination) = isSent ? (path.local, path.remote) : (path.remote, path.local)
    appendIP(source, destination, payloadCount: 20 + range.count)
    let tcp = record.count
    record.appendBigEndian(isSent ? path.localPort : path.remotePort)
    record.appendBigEndian(isSent ? path.remotePort : path.localPort)
    record.appendBigEndian(isSent ? sentCount : receivedCount)
    record.appendBigEndian(isSent ? receivedCount : sentCount)
    // Five words; PSH and ACK; the window.
    record.append(contentsOf: [0x50, 0x18, 0xFF, 0xFF, 0, 0, 0, 0])
    var checksum = InternetChecksum()
    checksum.add(source)
    checksum.add(destination)
    // The pseudo-header's protocol and length (RFC 9293, 3.1; RFC 8200, 8.1).
    let count = UInt32(20 + range.count)
    checksum.add([
      0, 6, UInt8(truncatingIfNeeded: count >> 24), UInt8(truncatingIfNeeded: count >> 16),
      UInt8(truncatingIfNeeded: count >> 8), UInt8(truncatingIfNeeded: count),
    ])
    checksum.add([UInt8](record[tcp...]))
    unsafe pdu.forEach(in: range) { unsafe checksum.add($0) }
    record[tcp + 16] = UInt8(checksum.value >> 8)
    record[tcp + 17] = UInt8(truncatingIfNeeded: checksum.value)
    unsafe pdu.forEach(in: kept) { unsafe record.append(contentsOf: $0) }
    if isSent {
      sentCount &+= UInt32(range.count)
    } else {
      receivedCount &+= UInt32(range.count)
    }
  }

  private mutating func appendIP(
    _ source: [UInt8], _ destination: [UInt8], payloadCount: Int
  ) {
    guard source.count == 4 else {
      record.append(contentsOf: [0x60, 0, 0, 0])
      record.appendBigEndian(UInt16(payloadCount))
      record.append(contentsOf: [6, 64])
      record += source + destination
      return
    }
    let start = record.count
    identification &+= 1
    record.append(contentsOf: [0x45, 0])
    record.appendBigEndian(UInt16(20 + payloadCount))
    record.appendBigEndian(identification)
    // Don't fragment; 64 hops; TCP.
    record.append(contentsOf: [0x40, 0, 64, 6, 0, 0])
    record += source + destination
    var checksum = InternetChecksum()
    checksum.add([UInt8](record[start...]))
    record[start + 10] = UInt8(checksum.value >> 8)
    record[start + 11] = UInt8(truncatingIfNeeded: checksum.value)
  }
}

extension [UInt8] {
  fileprivate mutating func appendLittleEndian<T: FixedWidthInteger>(_ value: T) {
    appendBigEndian(value.byteSwapped)
  }
}
