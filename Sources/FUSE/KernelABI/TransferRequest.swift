/// READ or WRITE: the 40 bytes behind the header; a write's payload follows them.
///
/// Source: linux/fuse.h, struct fuse_read_in and struct fuse_write_in.
package struct TransferRequest: BitwiseCopyable, Equatable, Sendable {
  package static let byteCount = 40

  package var fileHandle: UInt64
  package var offset: UInt64
  /// Bytes asked for, or given.
  package var size: UInt32
  /// The file's open flags (O_DSYNC among them).
  package var openFlags: UInt32

  /// Reads the parameters, which stand behind a request's header; nil when there are too few bytes.
  package init?(parsing bytes: borrowing RawSpan) {
    guard bytes.byteCount >= Self.byteCount else { return nil }
    // SAFETY: every pattern is a valid integer; the loads check their bounds.
    fileHandle = unsafe bytes.unsafeLoadUnaligned(fromByteOffset: 0, as: UInt64.self)
    offset = unsafe bytes.unsafeLoadUnaligned(fromByteOffset: 8, as: UInt64.self)
    size = unsafe bytes.unsafeLoadUnaligned(fromByteOffset: 16, as: UInt32.self)
    openFlags = unsafe bytes.unsafeLoadUnaligned(fromByteOffset: 32, as: UInt32.self)
  }
}
