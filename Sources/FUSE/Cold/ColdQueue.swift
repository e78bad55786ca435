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
    let limit = Self.limit(header.opcode, bytes.count)
    // SAFETY: the bytes are copied before the call returns.
    return append(unsafe [UInt8](bytes.prefix(limit)))
  }

  /// Copies the request in an entry of the ring, as /dev/fuse would have brought it.
  package func submit(_ memory: RingMemory, entry: Int) -> Bool {
    let base = unsafe memory.base(entry)
    // SAFETY: the entry is the caller's, header and payload lie in it.
    let bytes = unsafe RawSpan(
      _unsafeStart: base + memory.layout.header, byteCount: RingHeader.byteCount)
    let payloadCount = RingHeader.payloadCount(of: bytes)
    guard let header = RequestHeader(parsing: bytes),
      case let count = Int(header.length) - RequestHeader.byteCount - payloadCount,
      (0...RingHeader.operationCapacity).contains(count), payloadCount <= memory.layout.payloadLimit
    else { preconditionFailure("the kernel's lengths of a request agree") }
    let limit = Self.limit(header.opcode, Int(header.length))
    var request: [UInt8] = []
    request.reserveCapacity(limit)
    unsafe request.append(
      contentsOf: UnsafeRawBufferPointer(
        start: base + memory.layout.header, count: RequestHeader.byteCount))
    unsafe request.append(
      contentsOf: UnsafeRawBufferPointer(
        start: base + memory.layout.header + RingHeader.operation, count: count))
    unsafe request.append(
      contentsOf: UnsafeRawBufferPointer(
        start: base + memory.layout.payload, count: min(payloadCount, limit - request.count)))
    return append(request)
  }

  /// How much of a request is kept.
  private static func limit(_ opcode: FuseOpcode, _ count: Int) -> Int {
    opcode == .write ? min(count, writeHeaderCount + ColdLimits.writtenBytes) : count
  }

  private func append(_ request: [UInt8]) -> Bool {
    let outcome = state.withLock { state in
      guard !state.isClosed else { return (isTaken: true, wakes: false) }
      guard state.requests.count < ColdLimits.requests else { return (false, false) }
      state.requests.append(request)
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
