/// FUSE_OPEN: libfuse 3.14 cannot answer it with every flag there is, so we do.
///
/// Source: linux/fuse.h, `struct fuse_open_in` and `struct fuse_open_out`.
package struct OpenRequest: Equatable, Sendable {
  package var unique: UInt64
  /// Who waits for the answer.
  package var thread: UInt32
  package var node: NodeNumber
  package var flags: OpenFlags

  /// Reads the request; nil when the bytes are another request or too few.
  package init?(parsing bytes: borrowing RawSpan) {
    guard let header = RequestHeader(parsing: bytes), header.opcode == .open,
      bytes.byteCount >= RequestHeader.byteCount + 8
    else { return nil }
    unique = header.unique
    thread = header.pid
    node = NodeNumber(rawValue: header.nodeID)
    // SAFETY: every pattern is a valid integer; the load checks its bounds.
    flags = OpenFlags(
      rawValue: unsafe bytes.unsafeLoadUnaligned(
        fromByteOffset: RequestHeader.byteCount, as: UInt32.self))
  }
}
