import DequeModule
import LinuxIO
import Synchronization
package import SystemPackage

/// Requests on their way from the reactor, which reads all of them, to the cold thread.
///
/// In order and bounded: `submit` on the reactor's thread, `next` on the cold one.
package final class ColdQueue: Sendable {
  private struct State: Sendable {
    var requests = Deque<[UInt8]>()
    var isClosed = false
  }

  /// `fuse_in_header` and `fuse_write_in`.
  private static let writeHeaderCount = RequestHeader.byteCount + TransferRequest.byteCount

  private let state = Mutex(State())
  private let filled: EventDescriptor

  package init() throws(Errno) {
    filled = try EventDescriptor()
  }

  /// Copies one request; false when the queue is full and the caller has to come again.
  ///
  /// Of a WRITE no more data are kept than anyone will look at, so that the queue's memory is
  /// bounded too. A cut request, which the kernel never makes, is dropped: nobody waits for it.
  package func submit(_ bytes: UnsafeRawBufferPointer) -> Bool {
    // SAFETY: the caller's bytes are there during the call.
    guard let header = unsafe RequestHeader(parsing: bytes.bytes),
      Int(header.length) == bytes.count
    else { return true }
    let limit =
      header.opcode == .write
      ? Self.writeHeaderCount + ColdLimits.writtenBytes : bytes.count
    let outcome = state.withLock { state in
      guard !state.isClosed else { return (isTaken: true, wakes: false) }
      guard state.requests.count < ColdLimits.requests else { return (false, false) }
      // SAFETY: the bytes are copied before the call returns.
      state.requests.append(unsafe [UInt8](bytes.prefix(limit)))
      return (true, state.requests.count == 1)
    }
    if outcome.wakes { filled.signal() }
    return outcome.isTaken
  }

  /// The oldest request, waited for; nil once the queue is closed.
  func next() -> [UInt8]? {
    while true {
      let (request, isClosed) = state.withLock { state in
        state.isClosed ? (nil, true) : (state.requests.popFirst(), false)
      }
      if isClosed { return nil }
      if let request { return request }
      _ = filled.wait(milliseconds: nil)
      filled.clear()
    }
  }

  /// Ends the queue: what waits is dropped, `next` returns nil, `submit` takes and forgets.
  package func close() {
    state.withLock { state in
      state.isClosed = true
      state.requests.removeAll()
    }
    filled.signal()
  }
}
