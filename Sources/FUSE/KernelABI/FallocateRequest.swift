/// FALLOCATE: the 32 bytes behind the header.
///
/// Source: linux/fuse.h, struct fuse_fallocate_in; linux/falloc.h.
package struct FallocateRequest: BitwiseCopyable, Equatable, Sendable {
  package static let byteCount = 32

  /// What fallocate(2) is to do; none of these: allocate, and grow the file.
  package struct Mode: OptionSet, BitwiseCopyable, Hashable, Sendable {
    package var rawValue: UInt32

    package init(rawValue: UInt32) {
      self.rawValue = rawValue
    }

    /// FALLOC_FL_KEEP_SIZE.
    package static let keepSize = Mode(rawValue: 0x01)
    /// FALLOC_FL_PUNCH_HOLE.
    package static let punchHole = Mode(rawValue: 0x02)
    /// FALLOC_FL_ZERO_RANGE.
    package static let zeroRange = Mode(rawValue: 0x10)
  }

  package var fileHandle: UInt64
  package var offset: UInt64
  package var length: UInt64
  package var mode: Mode

  /// Reads the parameters, which stand behind a request's header; nil when there are too few bytes.
  package init?(parsing bytes: borrowing RawSpan) {
    guard bytes.byteCount >= Self.byteCount else { return nil }
    // SAFETY: every pattern is a valid integer; the loads check their bounds.
    fileHandle = unsafe bytes.unsafeLoadUnaligned(fromByteOffset: 0, as: UInt64.self)
    offset = unsafe bytes.unsafeLoadUnaligned(fromByteOffset: 8, as: UInt64.self)
    length = unsafe bytes.unsafeLoadUnaligned(fromByteOffset: 16, as: UInt64.self)
    mode = Mode(rawValue: unsafe bytes.unsafeLoadUnaligned(fromByteOffset: 24, as: UInt32.self))
  }
}
