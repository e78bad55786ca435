/// LSEEK: the 24 bytes behind the header. Only SEEK_DATA and SEEK_HOLE come from the kernel.
///
/// Source: linux/fuse.h, struct fuse_lseek_in; linux/fs.h (whence).
package struct SeekRequest: BitwiseCopyable, Equatable, Sendable {
  package static let byteCount = 24

  package struct Whence: RawRepresentable, BitwiseCopyable, Hashable, Sendable {
    package var rawValue: UInt32

    package init(rawValue: UInt32) {
      self.rawValue = rawValue
    }

    /// SEEK_DATA.
    package static let data = Whence(rawValue: 3)
    /// SEEK_HOLE.
    package static let hole = Whence(rawValue: 4)
  }

  package var fileHandle: UInt64
  package var offset: UInt64
  package var whence: Whence

  /// Reads the parameters, which stand behind a request's header; nil when there are too few bytes.
  package init?(parsing bytes: borrowing RawSpan) {
    guard bytes.byteCount >= Self.byteCount else { return nil }
    // SAFETY: every pattern is a valid integer; the loads check their bounds.
    fileHandle = unsafe bytes.unsafeLoadUnaligned(fromByteOffset: 0, as: UInt64.self)
    offset = unsafe bytes.unsafeLoadUnaligned(fromByteOffset: 8, as: UInt64.self)
    whence = Whence(
      rawValue: unsafe bytes.unsafeLoadUnaligned(fromByteOffset: 16, as: UInt32.self))
  }
}
