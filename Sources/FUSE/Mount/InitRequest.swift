/// FUSE_INIT, the kernel's first request: what it can do.
///
/// Source: linux/fuse.h, `struct fuse_init_in`.
package struct InitRequest: Equatable, Sendable {
  package static let opcode: UInt32 = 26

  package var unique: UInt64
  package var maximumReadAheadBytes: UInt32

  /// Both words of flags, the second one (FUSE_INIT_EXT) above.
  package var offered: InitFlags

  /// Reads the request; nil when the bytes are another request or too few.
  ///
  /// Kernels before 7.36 send no second word of flags: it counts as empty.
  package init?(parsing bytes: UnsafeRawBufferPointer) {
    guard let header = unsafe ColdRequestHeader(parsing: bytes), header.opcode == Self.opcode,
      bytes.count >= ColdRequestHeader.byteCount + 16
    else { return nil }
    let body = ColdRequestHeader.byteCount
    unique = header.unique
    // SAFETY: every load below is inside the length just checked.
    maximumReadAheadBytes = unsafe bytes.loadUnaligned(fromByteOffset: body + 8, as: UInt32.self)
    let low = unsafe bytes.loadUnaligned(fromByteOffset: body + 12, as: UInt32.self)
    var high: UInt32 = 0
    if UInt64(low) & InitFlags.extended.rawValue != 0, bytes.count >= body + 20 {
      high = unsafe bytes.loadUnaligned(fromByteOffset: body + 16, as: UInt32.self)
    }
    offered = InitFlags(rawValue: UInt64(high) << 32 | UInt64(low))
  }
}
