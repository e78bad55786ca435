import ISCSI
import Testing

/// The forms are those of `struct iscsi_ecdb_ahdr` and `struct iscsi_rlength_ahdr` in open-iscsi's
/// and Linux's iscsi_proto.h: a length that counts the reserved byte, the type, the reserved byte.
@Suite("Additional header segments (RFC 7143, 11.2.2)")
struct AdditionalHeaderTests {
  @Test("a CDB of 32 bytes, one of 17, and a read length, byte for byte")
  func encodes() {
    #expect(
      AdditionalHeaderSegment.extendedCDB([UInt8](1...16)).encoded
        == [0, 17, 1, 0] + [UInt8](1...16))
    #expect(AdditionalHeaderSegment.extendedCDB([9]).encoded == [0, 2, 1, 0, 9, 0, 0, 0])
    #expect(
      AdditionalHeaderSegment.bidirectionalReadLength(0x0102_0304).encoded
        == [0, 5, 2, 0, 1, 2, 3, 4])
  }

  @Test("what was encoded is read again, in order, among types nobody defined")
  func parses() throws {
    let segments: [AdditionalHeaderSegment] = [
      .bidirectionalReadLength(0xFFFF_FFFF), .extendedCDB([UInt8](repeating: 7, count: 244)),
      .extendedCDB([1, 2, 3]),
    ]
    let unknown: [UInt8] = [0, 3, 0x3F, 1, 2, 3, 0, 0]
    let bytes = unknown + segments.flatMap(\.encoded) + unknown
    #expect(
      try AdditionalHeaderSegment.segments(parsing: bytes, of: .scsiCommand) == segments)
    #expect(try AdditionalHeaderSegment.segments(parsing: [], of: .scsiCommand) == [])
  }

  @Test("H02: lengths of 0, past the end, or not its type's are refused")
  func lies() {
    for bytes: [UInt8] in [
      [0, 0, 1, 0], [0xFF, 0xFF, 1, 0], [0, 6, 1, 0, 1, 2, 3, 4], [0, 4, 2, 0, 1, 2, 3, 4],
      [0, 5, 2, 0, 1, 2, 3, 4, 0, 9, 1, 0], [0, 1, 1, 0],
      [0, 246, 1, 0] + [UInt8](repeating: 0, count: 248),
    ] {
      #expect(throws: PDUError.self) {
        try AdditionalHeaderSegment.segments(parsing: bytes, of: .scsiCommand)
      }
    }
    // One without a byte is not too long.
    for length in 0...1 as ClosedRange<UInt8> {
      #expect(throws: PDUError.additionalHeaderLength(opcode: .scsiCommand, length: Int(length))) {
        try AdditionalHeaderSegment.segments(parsing: [0, length, 1, 0], of: .scsiCommand)
      }
    }
  }
}
