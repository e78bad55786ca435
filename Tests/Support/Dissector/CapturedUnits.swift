package import ISCSI
import Wire

/// The PDUs of a capture as our own types read them: of one that has a PDU in each packet, as a
/// session's `capture` has while none is longer than a segment.
package enum CapturedUnits {
  private static let fileHeader = 24
  private static let recordHeader = 16
  /// IPv4 and TCP, neither with options.
  private static let headers = 40

  /// The PDU of each packet of a pcap file (LINKTYPE_RAW), in order; nil for a packet that begins
  /// with no whole header. Data that a record leaves out are missing, their length is told.
  ///
  /// - Parameter headerDigest: whether the PDUs of full feature phase have one.
  package static func read(_ file: [UInt8], headerDigest: Bool) -> [ProtocolDataUnit?] {
    var units: [ProtocolDataUnit?] = []
    var offset = fileHeader
    while offset + recordHeader <= file.count {
      let length = (0..<4).reduce(0) { $0 | Int(file[offset + 8 + $1]) << (8 * $1) }
      offset += recordHeader
      guard length <= file.count - offset else { break }
      let payload = Array(file[offset..<offset + length].dropFirst(headers))
      units.append(unit(payload, headerDigest: headerDigest))
      offset += length
    }
    return units
  }

  private static func unit(_ payload: [UInt8], headerDigest: Bool) -> ProtocolDataUnit? {
    guard payload.count >= BasicHeaderSegment.byteCount else { return nil }
    let header = payload.withRawSpan { BasicHeaderSegment(parsing: $0) }
    let isLogin = [.loginRequest, .loginResponse].contains(header.opcode)
    let start =
      BasicHeaderSegment.byteCount + Int(header.totalAHSLength) * 4
      + (headerDigest && !isLogin ? 4 : 0)
    let data = payload.dropFirst(start).prefix(header.dataSegmentLength)
    var unit = ProtocolDataUnit(header: header, data: Array(data))
    unit.header = header
    return unit
  }
}
