/// The part of a ring entry that is not payload: `struct fuse_uring_req_header`.
///
///     0    fuse_in_header, and fuse_out_header in its place when answered
///     128  the operation's own parameters (fuse_read_in ...)
///     256  fuse_uring_ent_in_out: flags, commit_id, payload_sz
///
/// Source: linux/fuse.h (7.42), struct fuse_uring_req_header and struct fuse_uring_ent_in_out.
package enum RingHeader {
  package static let byteCount = 288
  /// Where the operation's parameters lie.
  package static let operation = 128
  /// What they have room for.
  package static let operationCapacity = 128
  private static let commitID = 264
  private static let payloadCount = 272

  /// The name a COMMIT_AND_FETCH of this entry has to carry.
  package static func commitID(of entry: borrowing RawSpan) -> UInt64 {
    // SAFETY: every pattern is a valid integer; the load checks its bounds.
    unsafe entry.unsafeLoadUnaligned(fromByteOffset: commitID, as: UInt64.self)
  }

  /// How many bytes of payload the kernel put beside.
  package static func payloadCount(of entry: borrowing RawSpan) -> Int {
    // SAFETY: as above.
    Int(unsafe entry.unsafeLoadUnaligned(fromByteOffset: payloadCount, as: UInt32.self))
  }

  /// Writes an answer's header; its payload of so many bytes lies in the entry's payload.
  package static func store(
    _ reply: ReplyHeader, payloadCount count: Int, into entry: inout MutableRawSpan
  ) {
    entry.storeBytes(of: reply.length, toByteOffset: 0, as: UInt32.self)
    entry.storeBytes(of: reply.error, toByteOffset: 4, as: Int32.self)
    entry.storeBytes(of: reply.unique, toByteOffset: 8, as: UInt64.self)
    entry.storeBytes(of: UInt32(count), toByteOffset: payloadCount, as: UInt32.self)
  }
}
