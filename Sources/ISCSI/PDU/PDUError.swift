/// Bytes from the peer that are not the PDU they claim to be.
///
/// Every case ends the connection (RFC 7143, 7.7): once a length cannot be trusted, nothing after
/// it can.
package enum PDUError: Error, Equatable, Sendable {
  /// DataSegmentLength above what we declared to accept.
  case dataSegmentTooLong(opcode: Opcode, length: Int, limit: Int)
  /// Additional header segments where none belong, or more than we accept.
  case additionalHeaderTooLong(opcode: Opcode, length: Int, limit: Int)
  /// An additional header segment of a length its type cannot have.
  case additionalHeaderLength(opcode: Opcode, length: Int)
  case headerDigest(expected: UInt32, found: UInt32)
  case dataDigest(opcode: Opcode, expected: UInt32, found: UInt32)
  /// An opcode this side of the connection must not receive.
  case unexpectedOpcode(Opcode)

  /// The sentence for `last_error`.
  package var sentence: String {
    switch self {
    case .dataSegmentTooLong(let opcode, let length, let limit):
      "\(opcode.name) announces a data segment of \(length) bytes; at most \(limit) may be sent"
    case .additionalHeaderTooLong(let opcode, let length, let limit):
      "\(opcode.name) announces \(length) bytes of additional header; at most \(limit) may be sent"
    case .additionalHeaderLength(let opcode, let length):
      "\(opcode.name) has an additional header segment of \(length) bytes; none of its type has"
    case .headerDigest(let expected, let found):
      "header digest is 0x\(String(found, radix: 16)), computed 0x\(String(expected, radix: 16))"
    case .dataDigest(let opcode, let expected, let found):
      "data digest of \(opcode.name) is 0x\(String(found, radix: 16)), computed "
        + "0x\(String(expected, radix: 16))"
    case .unexpectedOpcode(let opcode):
      "\(opcode.name) is not what may arrive here"
    }
  }
}
