package import SCSI

/// Which blocks a write of any bytes changes, and which it must read first.
///
/// A write whose edges lie inside blocks reads those one or two blocks, lays the caller's bytes
/// over them and writes all blocks at once: `headFill` bytes from the medium, the caller's
/// `acceptedLength` bytes, `tailFill` bytes from the medium. It must hold the range lock meanwhile.
package struct WritePlan: BitwiseCopyable, Hashable, Sendable {
  /// Why a write cannot be planned.
  package enum Refusal: Error, BitwiseCopyable, Hashable, Sendable {
    /// The write starts at or past the end of the medium.
    case noSpace
  }

  /// The blocks to write; none when nothing is written.
  package let blocks: BlockRange

  /// Bytes at the start of the first block that keep what the medium has.
  package let headFill: UInt32

  /// Bytes at the end of the last block that keep what the medium has.
  package let tailFill: UInt32

  /// Bytes of the caller's that are written: fewer than given only at the end of the medium.
  package let acceptedLength: UInt32

  /// The length of a block, kept so that the plan answers alone.
  package let logicalBlockLength: UInt32

  /// The plan to write `length` bytes at `offset`.
  ///
  /// A write of nothing is planned anywhere; any other that starts past the end throws `noSpace`.
  @inlinable
  package init(
    offset: UInt64, length: UInt32, geometry: Geometry
  ) throws(Refusal) {
    let extent = ByteExtent(offset: offset, length: length, geometry: geometry)
    guard extent.length > 0 || length == 0 else { throw .noSpace }
    blocks = extent.blocks
    headFill = extent.leading
    tailFill = extent.trailing
    acceptedLength = extent.length
    logicalBlockLength = geometry.logicalBlockLength
  }
}

extension WritePlan {
  /// True when whole blocks are written: no read before, and no lock against other such writes.
  @inlinable
  package var isAligned: Bool { headFill | tailFill == 0 }

  /// Bytes the commands move: the caller's and the fill. Below 2^32 + 2 * 4096.
  @inlinable
  package var transferLength: UInt64 {
    UInt64(headFill) + UInt64(acceptedLength) + UInt64(tailFill)
  }

  /// The first block where the write covers only part of it, also when it is the only one.
  @inlinable
  package var headPartialBlock: LogicalBlockAddress? {
    headFill > 0 || (tailFill > 0 && blocks.count == 1) ? blocks.first : nil
  }

  /// The last block where the write covers only part of it; nil when it is the head block.
  @inlinable
  package var tailPartialBlock: LogicalBlockAddress? {
    tailFill > 0 && blocks.count > 1 ? blocks.last : nil
  }

  /// Bytes of the caller's that go into the head block; zero when there is none.
  @inlinable
  package var headLength: UInt32 {
    guard headPartialBlock != nil else { return 0 }
    return min(acceptedLength, logicalBlockLength - headFill)
  }

  /// Bytes of the caller's that go into the tail block; zero when there is none.
  @inlinable
  package var tailLength: UInt32 {
    tailPartialBlock == nil ? 0 : logicalBlockLength - tailFill
  }

  /// The blocks the caller's bytes cover wholly, between the head and the tail block.
  @inlinable
  package var wholeBlocks: BlockRange {
    let head: UInt64 = headPartialBlock == nil ? 0 : 1
    let tail: UInt64 = tailPartialBlock == nil ? 0 : 1
    return BlockRange(first: blocks.first.advanced(by: head), count: blocks.count - head - tail)
  }
}
