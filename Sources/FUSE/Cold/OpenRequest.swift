/// FUSE_OPEN: libfuse 3.14 cannot answer it with every flag there is, so we do.
///
/// Source: linux/fuse.h, `struct fuse_open_in` and `struct fuse_open_out`.
package struct OpenRequest: Equatable, Sendable {
  package static let opcode: UInt32 = 14

  package var unique: UInt64
  package var node: NodeNumber
  package var flags: OpenFlags

  /// Reads the request; nil when the bytes are another request or too few.
  package init?(parsing bytes: UnsafeRawBufferPointer) {
    guard let header = unsafe ColdRequestHeader(parsing: bytes), header.opcode == Self.opcode,
      bytes.count >= ColdRequestHeader.byteCount + 8
    else { return nil }
    unique = header.unique
    node = header.node
    // SAFETY: four bytes inside the length just checked.
    flags = OpenFlags(
      rawValue: unsafe bytes.loadUnaligned(
        fromByteOffset: ColdRequestHeader.byteCount, as: UInt32.self))
  }
}
