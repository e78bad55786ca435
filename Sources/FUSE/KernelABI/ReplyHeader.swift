/// The 16 bytes every reply begins with, in the host's byte order.
///
/// Source: linux/fuse.h, struct fuse_out_header.
package struct ReplyHeader: BitwiseCopyable, Equatable, Sendable {
  package static let byteCount = 16

  /// The whole reply's length in bytes, this header included.
  package var length: UInt32
  /// 0, or a negative error number.
  package var error: Int32
  package var unique: UInt64

  package init(unique: UInt64, payloadLength: Int) {
    length = UInt32(Self.byteCount + payloadLength)
    error = 0
    self.unique = unique
  }

  package init(unique: UInt64, errorNumber: Int32) {
    precondition(errorNumber > 0, "an error reply has a positive errno")
    length = UInt32(Self.byteCount)
    error = -errorNumber
    self.unique = unique
  }
}
