import LinuxIO

/// The pages of one request, laid out so that no payload is ever moved.
///
///     0        4096: request header, parameters, write payload ...
///                8192: what a read fetches ...
///                                     ... scratch: the blocks at the edges of a write
///
/// A write's fill bytes go right before and after its payload, so that whole blocks lie together.
enum SlotMemory {
  /// The most payload one request has: what INIT allows (max_write, max_read).
  static let payloadLimit = 1 << 20
  /// Where /dev/fuse is read to.
  static let request = 4096
  /// Where a write's payload lies: behind fuse_in_header and fuse_write_in.
  static let writePayload = request + 80
  /// Where a read's blocks go.
  static let readPayload = 8192
  /// Room for the blocks at the edges of an unaligned range.
  static let edges = 2 * 4096
  /// Where a read-modify-write reads its head and its tail block.
  static let scratchHead = readPayload + payloadLimit + edges
  static let scratchTail = scratchHead + 4096
  /// One slot's pages.
  static let byteCount = scratchTail + 4096
  /// How much /dev/fuse may store: the kernel refuses a buffer below its largest request.
  static let requestCapacity = scratchHead - request
}
