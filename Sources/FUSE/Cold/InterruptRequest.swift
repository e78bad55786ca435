/// FUSE_INTERRUPT: the caller of an earlier request got a signal.
///
/// It is not answered itself. Source: linux/fuse.h, `struct fuse_interrupt_in`.
package struct InterruptRequest: Equatable, Sendable {
  package static let opcode: UInt32 = 36

  /// The request it is about.
  package var interrupted: UInt64

  /// Reads the request; nil when the bytes are another request or too few.
  package init?(parsing bytes: UnsafeRawBufferPointer) {
    guard let header = unsafe ColdRequestHeader(parsing: bytes), header.opcode == Self.opcode,
      bytes.count >= ColdRequestHeader.byteCount + 8
    else { return nil }
    // SAFETY: eight bytes inside the length just checked.
    interrupted = unsafe bytes.loadUnaligned(
      fromByteOffset: ColdRequestHeader.byteCount, as: UInt64.self)
  }
}
