import Wire

/// The 48-byte header every iSCSI PDU begins with, held as six words.
///
/// A word is eight wire bytes read most significant first, so that a field is a shift away and
/// no byte array is needed on the I/O path. Every opcode's own view (`SCSICommand`, `DataIn`, ...)
/// is built from and becomes one of these.
/// Source: RFC 7143, 11.2.1.
package struct BasicHeaderSegment: BitwiseCopyable, Equatable, Sendable {
  /// The size on the wire, in bytes.
  package static let byteCount = 48

  /// Bytes 0-7: opcode, flags, opcode-specific, TotalAHSLength, DataSegmentLength.
  package var word0: UInt64
  /// Bytes 8-15: the LUN, or opcode-specific.
  package var word1: UInt64
  /// Bytes 16-23: Initiator Task Tag and opcode-specific.
  package var word2: UInt64
  /// Bytes 24-31.
  package var word3: UInt64
  /// Bytes 32-39.
  package var word4: UInt64
  /// Bytes 40-47.
  package var word5: UInt64

  /// A header of zeros but for its opcode byte.
  package init(opcode: Opcode, isImmediate: Bool = false, flags: UInt8 = 0) {
    word0 =
      UInt64(opcode.rawValue | (isImmediate ? 0x40 : 0)) << 56 | UInt64(flags) << 48
    (word1, word2, word3, word4, word5) = (0, 0, 0, 0, 0)
  }

  /// Reads the first 48 bytes of `bytes`; fewer is the caller's bug and traps.
  package init(parsing bytes: borrowing RawSpan) {
    precondition(bytes.byteCount >= Self.byteCount, "a basic header segment has 48 bytes")
    word0 = bytes.bigEndian(at: 0, as: UInt64.self)
    word1 = bytes.bigEndian(at: 8, as: UInt64.self)
    word2 = bytes.bigEndian(at: 16, as: UInt64.self)
    word3 = bytes.bigEndian(at: 24, as: UInt64.self)
    word4 = bytes.bigEndian(at: 32, as: UInt64.self)
    word5 = bytes.bigEndian(at: 40, as: UInt64.self)
  }

  /// Stores the header's 48 bytes at `offset`.
  package func store(into bytes: inout MutableRawSpan, at offset: Int = 0) {
    bytes.storeBigEndian(word0, at: offset)
    bytes.storeBigEndian(word1, at: offset + 8)
    bytes.storeBigEndian(word2, at: offset + 16)
    bytes.storeBigEndian(word3, at: offset + 24)
    bytes.storeBigEndian(word4, at: offset + 32)
    bytes.storeBigEndian(word5, at: offset + 40)
  }
}
