import CFUSE3
import LinuxIO
import Synchronization
import SystemPackage

/// A request of the kernel on its way to one answer.
///
/// The first answer counts, later ones are dropped; a request let go without one is answered EIO.
/// Each method says whether the kernel took the answer: where it did not, a reference or an open
/// file it carried is the caller's to undo.
final class FuseRequest: Sendable {
  /// Where the answer goes.
  @safe
  enum Origin: @unchecked Sendable {
    /// libfuse decoded the request and frees it with the answer.
    case libfuse(fuse_req_t)
    /// We decoded it.
    case raw(ReplyChannel)
  }

  let unique: UInt64
  /// The thread that waits for the answer, 0 where the kernel does not tell.
  let thread: UInt32
  private let origin: Mutex<Origin?>

  init(unique: UInt64, thread: UInt32 = 0, origin: sending Origin) {
    self.unique = unique
    self.thread = thread
    self.origin = Mutex(origin)
  }

  deinit {
    _ = fail(.ioError)
  }

  var isAnswered: Bool { origin.withLock { $0 == nil } }

  /// Answers once through libfuse with what `reply` returns, 0 when the kernel took it.
  ///
  /// The lock is held meanwhile, so that who finds the request answered may free the session.
  @discardableResult
  func answer(_ reply: (fuse_req_t) -> CInt) -> Bool {
    origin.withLock { origin in
      guard let taken = origin.take() else { return false }
      guard case .libfuse(let request) = taken else {
        preconditionFailure("a raw request has no libfuse answer")
      }
      return unsafe reply(request) == 0
    }
  }

  /// Answers an OPEN.
  func answer(opened: OpenedFile) -> Bool {
    unsafe send {
      RawReply.bytes(unique: unique, opened: opened)
    } libfuse: { _ in
      preconditionFailure("OPEN never reaches libfuse")
    }
  }

  /// Answers a POLL.
  @discardableResult
  func answer(events: PollEvents) -> Bool {
    unsafe send {
      RawReply.bytes(unique: unique, events: events)
    } libfuse: { _ in
      preconditionFailure("POLL never reaches libfuse")
    }
  }

  /// Answers with an error.
  @discardableResult
  func fail(_ error: Errno) -> Bool {
    unsafe send {
      RawReply.bytes(unique: unique, error: error)
    } libfuse: { request in
      // SAFETY: the request was taken from its place, so it is answered here only.
      unsafe fuse_reply_err(request, error.rawValue)
    }
  }

  /// Answers success that carries nothing.
  @discardableResult
  func succeed() -> Bool {
    unsafe send {
      RawReply.bytes(unique: unique, error: nil)
    } libfuse: { request in
      // SAFETY: as in `fail`.
      unsafe fuse_reply_err(request, 0)
    }
  }

  private func send(_ bytes: () -> [UInt8], libfuse reply: (fuse_req_t) -> CInt) -> Bool {
    origin.withLock { origin in
      switch origin.take() {
      case nil: return false
      case .libfuse(let request): return unsafe reply(request) == 0
      case .raw(let channel):
        do {
          try channel.send(bytes())
          return true
        } catch {
          return false
        }
      }
    }
  }
}
