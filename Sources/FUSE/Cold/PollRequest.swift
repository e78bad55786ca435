/// FUSE_POLL: whether an open file is ready, and a wish to be told when it becomes so.
///
/// Answered without libfuse, whose handle for the notice must not outlive its session.
/// Source: linux/fuse.h, `struct fuse_poll_in`.
package struct PollRequest: Equatable, Sendable {
  /// FUSE_POLL_SCHEDULE_NOTIFY.
  private static let scheduleNotify: UInt32 = 1 << 0

  package var unique: UInt64
  /// Who waits for the answer.
  package var thread: UInt32
  package var file: OpenFileNumber
  /// What the notice names.
  package var handle: UInt64
  package var wantsNotice: Bool

  /// Reads the request; nil when the bytes are another request or too few.
  package init?(parsing bytes: borrowing RawSpan) {
    guard let header = RequestHeader(parsing: bytes), header.opcode == .poll,
      bytes.byteCount >= RequestHeader.byteCount + 24
    else { return nil }
    let body = RequestHeader.byteCount
    unique = header.unique
    thread = header.pid
    // SAFETY: every pattern is a valid integer; the loads check their bounds.
    file = OpenFileNumber(
      rawValue: unsafe bytes.unsafeLoadUnaligned(fromByteOffset: body, as: UInt64.self))
    handle = unsafe bytes.unsafeLoadUnaligned(fromByteOffset: body + 8, as: UInt64.self)
    let flags = unsafe bytes.unsafeLoadUnaligned(fromByteOffset: body + 16, as: UInt32.self)
    wantsNotice = flags & Self.scheduleNotify != 0
  }
}
