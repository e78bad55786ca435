import FUSE
import Glibc
import LinuxIO
import SystemPackage

/// Answers to the kernel, each one write.
extension Reactor {
  /// Answers with an error and no payload.
  func answer(unique: UInt64, error: Errno) {
    send(ReplyHeader(unique: unique, errorNumber: error.rawValue))
  }

  /// Answers success without payload.
  func answer(unique: UInt64) {
    send(ReplyHeader(unique: unique, payloadLength: 0))
  }

  private func send(_ reply: ReplyHeader) {
    var reply = reply
    // SAFETY: sixteen bytes of a local.
    check(unsafe Transfer.write(fuseNumber, &reply, ReplyHeader.byteCount), unique: reply.unique)
  }

  /// Answers a write: how many bytes were accepted.
  func answer(unique: UInt64, accepted: UInt32) {
    var reply = (ReplyHeader(unique: unique, payloadLength: 8), UInt64(accepted))
    // SAFETY: 24 bytes of a local: fuse_out_header, then fuse_write_out {size, padding}.
    check(
      unsafe Transfer.write(fuseNumber, &reply, ReplyHeader.byteCount + 8), unique: unique)
  }

  /// Answers a read with bytes of a slot's pages.
  func answer(unique: UInt64, bytes: UnsafeMutableRawPointer, count: Int) {
    var reply = ReplyHeader(unique: unique, payloadLength: count)
    // SAFETY: the header is a local, the pages outlive the call.
    check(
      unsafe Transfer.write(fuseNumber, &reply, ReplyHeader.byteCount, then: bytes, count),
      unique: unique)
  }

  /// Answers a read with bytes of a receive buffer, over whose parsed header the reply's is laid.
  func answer(unique: UInt64, inPlace bytes: UnsafeMutableRawPointer, count: Int) {
    let start = unsafe bytes - ReplyHeader.byteCount
    // SAFETY: at least 48 parsed header bytes lie before the payload in the same buffer.
    unsafe start.storeBytes(
      of: ReplyHeader(unique: unique, payloadLength: count), as: ReplyHeader.self)
    check(
      unsafe Transfer.write(fuseNumber, start, ReplyHeader.byteCount + count), unique: unique)
  }

  /// What became of an answer: a caller must never be left waiting for one that was refused.
  private func check(_ result: Int, unique: UInt64) {
    guard result < 0 else { return }
    switch CInt(-result) {
    // The request went away, or the mount did: nobody waits.
    case ENOENT, ENODEV, ECONNABORTED, ENOTCONN, EPIPE: return
    case ENOMEM:
      // No pages to copy into: an answer without payload needs none.
      var reply = ReplyHeader(unique: unique, errorNumber: EIO)
      // SAFETY: sixteen bytes of a local.
      _ = unsafe Transfer.write(fuseNumber, &reply, ReplyHeader.byteCount)
    default:
      preconditionFailure("the kernel refused an answer: \(Errno(rawValue: CInt(-result)))")
    }
  }
}
