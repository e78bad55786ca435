/// INTERRUPT: the caller of another request wants it over.
///
/// Source: linux/fuse.h, struct fuse_interrupt_in.
package struct InterruptRequest: BitwiseCopyable, Equatable, Sendable {
  /// The request meant.
  package var unique: UInt64

  /// Reads the bytes behind a request's header; nil when there are too few.
  package init?(parsing bytes: borrowing RawSpan) {
    guard bytes.byteCount >= RequestHeader.byteCount + 8 else { return nil }
    // SAFETY: every pattern is a valid integer; the load checks its bounds.
    unique = unsafe bytes.unsafeLoadUnaligned(
      fromByteOffset: RequestHeader.byteCount, as: UInt64.self)
  }
}
