/// FUSE_INIT, the kernel's first request: what it can do.
///
/// Source: linux/fuse.h, `struct fuse_init_in`.
package struct InitRequest: Equatable, Sendable {
  package var unique: UInt64
  package var maximumReadAheadBytes: UInt32

  /// Both words of flags, the second one (FUSE_INIT_EXT) above.
  package var offered: InitFlags

  /// Reads the request; nil when the bytes are another request or too few.
  ///
  /// Kernels before 7.36 send no second word of flags: it counts as empty.
  package init?(parsing bytes: borrowing RawSpan) {
    guard let header = RequestHeader(parsing: bytes), header.opcode == .initialize,
      bytes.byteCount >= RequestHeader.byteCount + 16
    else { return nil }
    let body = RequestHeader.byteCount
    unique = header.unique
    // SAFETY: every pattern is a valid integer; the loads check their bounds.
    maximumReadAheadBytes = unsafe bytes.unsafeLoadUnaligned(
      fromByteOffset: body + 8, as: UInt32.self)
    let low = unsafe bytes.unsafeLoadUnaligned(fromByteOffset: body + 12, as: UInt32.self)
    var high: UInt32 = 0
    if UInt64(low) & InitFlags.extended.rawValue != 0, bytes.byteCount >= body + 20 {
      high = unsafe bytes.unsafeLoadUnaligned(fromByteOffset: body + 16, as: UInt32.self)
    }
    offered = InitFlags(rawValue: UInt64(high) << 32 | UInt64(low))
  }
}
