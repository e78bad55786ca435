/// The start of every request of the kernel.
///
/// Source: linux/fuse.h, `struct fuse_in_header`.
package struct ColdRequestHeader: BitwiseCopyable, Hashable, Sendable {
  package static let byteCount = 40

  /// How long the request is, or was before a WRITE's data were cut.
  package var length: UInt32
  package var opcode: UInt32
  /// Names the request in its answer and in an interrupt.
  package var unique: UInt64
  package var node: NodeNumber

  /// Reads the header; nil when the bytes are fewer.
  package init?(parsing bytes: UnsafeRawBufferPointer) {
    guard bytes.count >= Self.byteCount else { return nil }
    // SAFETY: all loads are inside the length just checked.
    length = unsafe bytes.loadUnaligned(fromByteOffset: 0, as: UInt32.self)
    opcode = unsafe bytes.loadUnaligned(fromByteOffset: 4, as: UInt32.self)
    unique = unsafe bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self)
    node = NodeNumber(rawValue: unsafe bytes.loadUnaligned(fromByteOffset: 16, as: UInt64.self))
  }
}
