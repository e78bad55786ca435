import Wire

/// Page B0h: how much one command may move or deallocate.
///
/// Counts are logical blocks, as reported; zero means not reported. Pages of every length the
/// standard has had are read: fields past the end are zero.
/// Source: SBC-4, 6.6.4 (block limits).
package struct BlockLimits: ParameterData, BitwiseCopyable, Hashable, Sendable {
  /// WSNZ: WRITE SAME with zero blocks is refused.
  package var writeSameNeedsCount: Bool

  /// MAXIMUM COMPARE AND WRITE LENGTH; zero: the command is not supported.
  package var maximumCompareAndWriteBlocks: UInt8

  package var optimalTransferLengthGranularityBlocks: UInt16

  /// MAXIMUM TRANSFER LENGTH; zero: no limit reported.
  package var maximumTransferBlocks: UInt32

  package var optimalTransferBlocks: UInt32

  /// MAXIMUM UNMAP LBA COUNT; zero: UNMAP is not supported; FFFFFFFFh: no limit.
  package var maximumUnmapBlocks: UInt32

  /// MAXIMUM UNMAP BLOCK DESCRIPTOR COUNT; zero: UNMAP is not supported; FFFFFFFFh: no limit.
  package var maximumUnmapDescriptors: UInt32

  package var optimalUnmapGranularityBlocks: UInt32

  /// UNMAP GRANULARITY ALIGNMENT, nil where UGAVALID is clear.
  package var unmapGranularityAlignmentBlocks: UInt32?

  /// MAXIMUM WRITE SAME LENGTH; zero: no limit reported.
  package var maximumWriteSameBlocks: UInt64

  package init(parsing bytes: borrowing RawSpan) throws(ParameterDataError) {
    let end = try VitalProductDataPage.blockLimits.end(in: bytes)
    func word(_ offset: Int, _ bytes: borrowing RawSpan) -> UInt32 {
      offset + 4 <= end ? bytes.bigEndian(at: offset, as: UInt32.self) : 0
    }
    writeSameNeedsCount = end > 4 && bytes.byte(at: 4) & 0x01 != 0
    maximumCompareAndWriteBlocks = end > 5 ? bytes.byte(at: 5) : 0
    optimalTransferLengthGranularityBlocks = end >= 8 ? bytes.bigEndian(at: 6, as: UInt16.self) : 0
    maximumTransferBlocks = word(8, bytes)
    optimalTransferBlocks = word(12, bytes)
    maximumUnmapBlocks = word(20, bytes)
    maximumUnmapDescriptors = word(24, bytes)
    optimalUnmapGranularityBlocks = word(28, bytes)
    let alignment = word(32, bytes)
    unmapGranularityAlignmentBlocks = alignment & 1 << 31 == 0 ? nil : alignment & ~(1 << 31)
    maximumWriteSameBlocks = end >= 44 ? bytes.bigEndian(at: 36, as: UInt64.self) : 0
  }
}

extension BlockLimits {
  /// True when UNMAP may deallocate at least one block.
  package var supportsUnmap: Bool {
    maximumUnmapBlocks > 0 && maximumUnmapDescriptors > 0
  }

  /// Blocks that are deallocated together: the granularity reported, or one where none is.
  package var unmapGranularity: UInt32 {
    max(1, optimalUnmapGranularityBlocks)
  }

  /// The first block a deallocation unit starts at, always below the granularity.
  ///
  /// An alignment that reaches past the granularity says the same as its remainder.
  package var unmapAlignment: UInt32 {
    (unmapGranularityAlignmentBlocks ?? 0) % unmapGranularity
  }
}
