import SCSI

/// A range of bytes cut at the end of the medium, and the blocks that hold it.
///
/// Reads and writes share this arithmetic; they differ in what they do with the edges.
package struct ByteExtent: BitwiseCopyable {
  /// Bytes of the range that lie on the medium.
  package let length: UInt32

  /// Bytes of the first block that come before the range.
  package let leading: UInt32

  /// Bytes of the last block that come after the range.
  package let trailing: UInt32

  /// Every block that holds a byte of the range.
  package let blocks: BlockRange

  /// The part of `length` bytes at `offset` that lies on a medium of `geometry`; no offset traps.
  @inlinable
  package init(offset: UInt64, length: UInt32, geometry: Geometry) {
    let capacity = geometry.capacityBytes
    let available = offset < capacity ? capacity - offset : 0
    let clipped = UInt32(truncatingIfNeeded: min(available, UInt64(length)))
    let shift = UInt64(geometry.logicalBlockShift)
    let first = LogicalBlockAddress(offset >> shift)
    self.length = clipped
    guard clipped > 0 else {
      leading = 0
      trailing = 0
      blocks = BlockRange(first: first, count: 0)
      return
    }
    // Neither sum overflows: the offset lies below a capacity that fits an Int64.
    let mask = UInt64(geometry.logicalBlockLength) - 1
    let end = offset + UInt64(clipped)
    leading = UInt32(truncatingIfNeeded: offset & mask)
    trailing = UInt32(truncatingIfNeeded: (0 &- end) & mask)
    blocks = BlockRange(first: first, count: ((end + mask) >> shift) - first.rawValue)
  }
}
