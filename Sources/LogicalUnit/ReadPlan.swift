/// Which blocks a read of any bytes needs, and which of their bytes it returns.
///
/// A read past the end returns nothing and one across the end is short, as for any file.
package struct ReadPlan: BitwiseCopyable, Hashable, Sendable {
  /// The blocks to read; none when nothing is returned.
  package let blocks: BlockRange

  /// Bytes of the first block that come before the bytes returned.
  package let leadingSkip: UInt32

  /// Bytes of the last block that come after the bytes returned.
  package let trailingSkip: UInt32

  /// Bytes the reader gets: fewer than asked for only at the end of the medium.
  package let returnedLength: UInt32

  /// The plan to read `length` bytes at `offset`; no offset or length is refused.
  @inlinable
  package init(offset: UInt64, length: UInt32, geometry: Geometry) {
    let extent = ByteExtent(offset: offset, length: length, geometry: geometry)
    blocks = extent.blocks
    leadingSkip = extent.leading
    trailingSkip = extent.trailing
    returnedLength = extent.length
  }

  /// True when the blocks are the bytes returned, no more: nothing needs to be moved.
  @inlinable
  package var isAligned: Bool { leadingSkip | trailingSkip == 0 }

  /// Bytes the commands move: what returns and what is skipped. Below 2^32 + 2 * 4096.
  @inlinable
  package var transferLength: UInt64 {
    UInt64(leadingSkip) + UInt64(returnedLength) + UInt64(trailingSkip)
  }
}
