/// One additional header segment: what of a SCSI Command does not fit its 48 bytes.
///
/// Source: RFC 7143, 11.2.2.
package enum AdditionalHeaderSegment: Equatable, Sendable {
  /// The bytes of a CDB behind its sixteenth, at most 244 of them.
  case extendedCDB([UInt8])
  /// How many bytes a bidirectional command is to read; what it writes is in the command's header.
  case bidirectionalReadLength(UInt32)

  /// The bytes of a CDB there is room for beyond sixteen: CDBs end at 260 (SPC-5, 4.2.3.1).
  package static let extendedCDBLimit = 244

  /// The segment for the wire, padded to whole words; traps for a CDB that no target could take.
  package var encoded: [UInt8] {
    switch self {
    case .extendedCDB(let bytes):
      precondition(
        !bytes.isEmpty && bytes.count <= Self.extendedCDBLimit, "a CDB has 260 bytes at most")
      return Self.encode(type: 1, bytes)
    case .bidirectionalReadLength(let length):
      return Self.encode(
        type: 2, (0..<4).map { UInt8(truncatingIfNeeded: length >> UInt32(24 - 8 * $0)) })
    }
  }

  /// AHSLength counts the reserved byte and what follows, not the padding (11.2.2.1).
  private static func encode(type: UInt8, _ specific: [UInt8]) -> [UInt8] {
    let length = specific.count + 1
    return [UInt8(length >> 8), UInt8(length & 0xFF), type, 0] + specific
      + repeatElement(0, count: -specific.count & 3)
  }

  /// The segments of a PDU's additional header; types nobody defined are passed over.
  ///
  /// Throws when a length leads past the end, or is none that its type can have.
  package static func segments(
    parsing bytes: [UInt8], of opcode: Opcode
  ) throws(PDUError) -> [AdditionalHeaderSegment] {
    var segments: [AdditionalHeaderSegment] = []
    var rest = bytes[...]
    while rest.count >= 4 {
      let start = rest.startIndex
      let length = Int(rest[start]) << 8 | Int(rest[start + 1])
      guard length > 0 else { throw .additionalHeaderLength(opcode: opcode, length: 0) }
      guard 3 + length <= rest.count else {
        throw .additionalHeaderTooLong(opcode: opcode, length: length, limit: rest.count - 3)
      }
      let specific = Array(rest[(start + 4)..<(start + 3 + length)])
      switch rest[start + 2] & 0x3F {
      case 1:
        guard !specific.isEmpty else {
          throw .additionalHeaderLength(opcode: opcode, length: length)
        }
        guard specific.count <= extendedCDBLimit else {
          throw .additionalHeaderTooLong(
            opcode: opcode, length: length, limit: extendedCDBLimit + 1)
        }
        segments.append(.extendedCDB(specific))
      case 2:
        guard specific.count == 4 else {
          throw .additionalHeaderLength(opcode: opcode, length: length)
        }
        segments.append(.bidirectionalReadLength(specific.reduce(0) { $0 << 8 | UInt32($1) }))
      default: break
      }
      rest = rest.dropFirst((3 + length + 3) & ~3)
    }
    return segments
  }
}
