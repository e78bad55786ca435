import CFUSE3
import CLinux
import LinuxIO

/// The memory of every entry of a mount's FUSE-over-io_uring queues.
///
/// Kernel and daemon take turns in an entry: it is the kernel's from a command until its
/// completion, then it belongs to whoever serves the request, which may be a reactor or, for a cold
/// request, the thread that answers it. Pages cost nothing until they are touched.
@safe
package final class RingMemory: @unchecked Sendable {
  /// How an entry's bytes are divided.
  package struct Layout: BitwiseCopyable, Sendable {
    /// From one entry to the next.
    package var stride: Int
    /// Where `RingHeader` lies; the vectors that register the entry stand behind it.
    package var header: Int
    package var payload: Int
    package var payloadLimit: Int

    package init(stride: Int, header: Int, payload: Int, payloadLimit: Int) {
      precondition(payload + payloadLimit <= stride && header + 4096 <= payload)
      self.stride = stride
      self.header = header
      self.payload = payload
      self.payloadLimit = payloadLimit
    }
  }

  private let region: PageRegion
  package let layout: Layout
  /// One queue for every processor the kernel could ever have.
  package let queueCount: Int
  package let entriesPerQueue: Int

  /// Nil when the kernel has no memory.
  package init?(queueCount: Int, entriesPerQueue: Int, layout: Layout) {
    precondition(queueCount > 0 && entriesPerQueue > 0)
    guard let region = PageRegion(byteCount: queueCount * entriesPerQueue * layout.stride) else {
      return nil
    }
    self.region = region
    self.layout = layout
    self.queueCount = queueCount
    self.entriesPerQueue = entriesPerQueue
  }

  package var entryCount: Int { queueCount * entriesPerQueue }

  /// The queue an entry is registered at.
  package func queue(of entry: Int) -> Int { entry / entriesPerQueue }

  /// The first byte of an entry.
  package func base(_ entry: Int) -> UnsafeMutableRawPointer {
    precondition(entry >= 0 && entry < entryCount, "an entry of the ring")
    // SAFETY: the region has `stride` bytes for each.
    return unsafe region.baseAddress + entry * layout.stride
  }

  /// The two vectors that register an entry: its header, its payload.
  package func registration(_ entry: Int) -> UnsafeRawPointer {
    let base = unsafe base(entry)
    let vectors = unsafe (base + layout.header + 1024).bindMemory(to: iovec.self, capacity: 2)
    // SAFETY: both lie in the entry, whose header part has a page.
    unsafe vectors.initialize(
      to: iovec(iov_base: base + layout.header, iov_len: RingHeader.byteCount))
    unsafe (vectors + 1).initialize(
      to: iovec(iov_base: base + layout.payload, iov_len: layout.payloadLimit))
    return UnsafeRawPointer(vectors)
  }

  /// The header of the request in an entry; never nil, an entry has room for one.
  package func request(in entry: Int) -> RequestHeader? {
    // SAFETY: the header's bytes lie in the entry.
    RequestHeader(
      parsing: unsafe RawSpan(
        _unsafeStart: base(entry) + layout.header, byteCount: RingHeader.byteCount))
  }

  /// Writes an answer's header into an entry; its payload is there already.
  package func answer(_ entry: Int, _ reply: ReplyHeader, payloadCount: Int) {
    precondition(payloadCount <= layout.payloadLimit)
    // SAFETY: the header's bytes lie in the entry.
    var span = unsafe MutableRawSpan(
      _unsafeStart: base(entry) + layout.header, byteCount: RingHeader.byteCount)
    RingHeader.store(reply, payloadCount: payloadCount, into: &span)
  }
}
