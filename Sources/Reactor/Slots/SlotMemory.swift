import FUSE
import LinuxIO

/// The pages of one request, laid out so that no payload is ever moved.
///
///     0        header of a ring entry
///     4096     as read from /dev/fuse: request header, parameters, write payload ...
///     8192     payload of a ring entry, or what a read fetches ...
///              ... scratch: the blocks at the edges of a write
///
/// What lies in the first and last block beside the payload goes right before and after it, so that
/// whole blocks lie together.
enum SlotMemory {
  /// The most payload one request has: what INIT allows (max_write, max_read).
  static let payloadLimit = 1 << 20
  /// Where /dev/fuse is read to.
  static let request = 4096
  /// Where the payload of a write lies that /dev/fuse brought: behind fuse_in_header and
  /// fuse_write_in.
  static let devicePayload = request + 80
  /// Where every other payload lies: what a read returns, what a ring brought.
  static let payload = 8192
  /// The most blocks one request has, those at its edges included.
  static let blockLimit = payloadLimit / 512 + 2
  /// Room for the blocks at the edges of an unaligned range.
  static let edges = 2 * 4096
  /// Where a read-modify-write reads its head and its tail block.
  static let scratchHead = payload + payloadLimit + edges
  static let scratchTail = scratchHead + 4096
  /// What a clearing or a search sends or gets besides blocks: UNMAP's list, GET LBA STATUS's.
  static let aside = scratchTail
  /// One slot's pages.
  static let byteCount = scratchTail + 4096
  /// How much /dev/fuse may store: the kernel refuses a buffer below its largest request.
  static let requestCapacity = scratchHead - request

  /// The same for the entries of a ring.
  static let ringLayout = RingMemory.Layout(
    stride: byteCount, header: 0, payload: payload, payloadLimit: payloadLimit)
}
