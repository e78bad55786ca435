/// The 40 bytes every kernel request begins with, in the host's byte order.
///
/// Source: linux/fuse.h, struct fuse_in_header.
package struct RequestHeader: BitwiseCopyable, Equatable, Sendable {
  package static let byteCount = 40

  /// The whole request's length in bytes, this header included.
  package var length: UInt32
  package var opcode: FuseOpcode
  /// The kernel's name for the request; the reply repeats it.
  package var unique: UInt64
  package var nodeID: UInt64
  package var uid: UInt32
  package var gid: UInt32
  package var pid: UInt32

  /// Reads a request's first bytes; nil when there are fewer than a header has.
  package init?(parsing bytes: borrowing RawSpan) {
    guard bytes.byteCount >= Self.byteCount else { return nil }
    // SAFETY: every pattern is a valid integer; the loads check their bounds.
    length = unsafe bytes.unsafeLoadUnaligned(fromByteOffset: 0, as: UInt32.self)
    opcode = FuseOpcode(
      rawValue: unsafe bytes.unsafeLoadUnaligned(fromByteOffset: 4, as: UInt32.self))
    unique = unsafe bytes.unsafeLoadUnaligned(fromByteOffset: 8, as: UInt64.self)
    nodeID = unsafe bytes.unsafeLoadUnaligned(fromByteOffset: 16, as: UInt64.self)
    uid = unsafe bytes.unsafeLoadUnaligned(fromByteOffset: 24, as: UInt32.self)
    gid = unsafe bytes.unsafeLoadUnaligned(fromByteOffset: 28, as: UInt32.self)
    pid = unsafe bytes.unsafeLoadUnaligned(fromByteOffset: 32, as: UInt32.self)
  }
}
