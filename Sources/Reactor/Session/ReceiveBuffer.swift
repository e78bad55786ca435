import LinuxIO

/// Bytes received from one connection and not parsed yet.
@safe
struct ReceiveBuffer: ~Copyable {
  private let region: PageRegion
  /// Where unparsed bytes begin and end.
  private(set) var start = 0
  private(set) var end = 0

  /// Nil when the kernel has no memory.
  init?(byteCount: Int) {
    guard let region = PageRegion(byteCount: byteCount) else { return nil }
    self.region = region
  }

  var capacity: Int { region.byteCount }
  /// Bytes not parsed yet.
  var count: Int { end - start }
  var freeCount: Int { capacity - end }

  /// The first unparsed byte.
  @inline(__always)
  var unparsed: UnsafeMutableRawPointer { unsafe region.baseAddress + start }

  /// Where the next bytes go.
  @inline(__always)
  var free: UnsafeMutableRawPointer { unsafe region.baseAddress + end }

  /// Counts bytes stored at `free`.
  mutating func received(_ count: Int) {
    precondition(count >= 0 && count <= freeCount)
    end += count
  }

  /// Counts bytes parsed.
  mutating func consume(_ count: Int) {
    precondition(count >= 0 && count <= self.count)
    start += count
    if start == end {
      start = 0
      end = 0
    }
  }

  /// Moves a PDU's beginning to the front, so that the rest of it has room behind.
  mutating func compact() {
    guard start > 0 else { return }
    // SAFETY: both ranges lie in the region; memmove allows them to overlap.
    unsafe region.baseAddress.copyMemory(from: unparsed, byteCount: count)
    end -= start
    start = 0
  }

  mutating func removeAll() {
    start = 0
    end = 0
  }
}
