package import SCSI

/// How a logical unit's blocks make up a file, and how much one command may move.
///
/// Everything here has been checked once, so that the data path computes with it freely: the block
/// length is a power of two, the capacity fits an Int64, and the transfer limit is never zero.
package struct Geometry: BitwiseCopyable, Hashable, Sendable {
  /// The binary logarithm of the logical block length: 9 to 12.
  package let logicalBlockShift: UInt8

  /// Two to this power of logical blocks make a physical block (SBC-4, 4.6).
  package let physicalBlockExponent: UInt8

  /// How many logical blocks the medium has, never zero.
  package let blockCount: UInt64

  /// What the device moves best at once, or zero where it does not say; at most the maximum.
  package let optimalTransferBlocks: UInt32

  /// The most blocks one command may move, never zero.
  ///
  /// A device that reports no limit still gets commands whose bytes fit 32 bits, as the Expected
  /// Data Transfer Length is no wider (RFC 7143, 11.3.4).
  package let maximumTransferBlocks: UInt32

  /// The geometry of a medium whose capacity and transfer limits are as a target reported them.
  ///
  /// Zero in a transfer count means not reported. Throws for block lengths we do not serve, such
  /// as 520, and for capacities a file cannot have.
  package init(
    logicalBlockLength: UInt32, lastLogicalBlockAddress: LogicalBlockAddress,
    physicalBlockExponent: UInt8 = 0, optimalTransferBlocks: UInt32 = 0,
    maximumTransferBlocks: UInt32 = 0
  ) throws(GeometryError) {
    guard logicalBlockLength.nonzeroBitCount == 1, (512...4096).contains(logicalBlockLength) else {
      throw .blockLengthRefused(bytes: logicalBlockLength)
    }
    let shift = UInt8(logicalBlockLength.trailingZeroBitCount)
    // The count is one more than the last address: comparing the address leaves no overflow.
    guard lastLogicalBlockAddress.rawValue < UInt64(Int64.max) >> UInt64(shift) else {
      throw .capacityTooLarge(
        lastLogicalBlockAddress: lastLogicalBlockAddress.rawValue,
        blockLengthBytes: logicalBlockLength)
    }
    let widest = UInt32.max >> UInt32(shift)
    let maximum = maximumTransferBlocks == 0 ? widest : min(widest, maximumTransferBlocks)
    self.logicalBlockShift = shift
    self.physicalBlockExponent = min(physicalBlockExponent, 15)
    self.blockCount = lastLogicalBlockAddress.rawValue + 1
    self.optimalTransferBlocks = min(maximum, optimalTransferBlocks)
    self.maximumTransferBlocks = maximum
  }

  /// The geometry of a medium as READ CAPACITY and, where it came, the block limits page tell it.
  package init(capacity: ReadCapacityData, limits: BlockLimits?) throws(GeometryError) {
    try self.init(
      logicalBlockLength: capacity.logicalBlockLengthBytes,
      lastLogicalBlockAddress: capacity.lastLogicalBlockAddress,
      physicalBlockExponent: capacity.physicalBlockExponent,
      optimalTransferBlocks: limits?.optimalTransferBlocks ?? 0,
      maximumTransferBlocks: limits?.maximumTransferBlocks ?? 0)
  }
}

extension Geometry {
  /// Bytes in a logical block: 512, 1024, 2048 or 4096.
  @inlinable
  package var logicalBlockLength: UInt32 { 1 << UInt32(logicalBlockShift) }

  /// Bytes in a physical block, at most 2^27.
  @inlinable
  package var physicalBlockLength: UInt32 {
    logicalBlockLength << UInt32(physicalBlockExponent)
  }

  /// The size of the file, at most Int64.max.
  @inlinable
  package var capacityBytes: UInt64 { blockCount << UInt64(logicalBlockShift) }

  /// The most bytes one command may move.
  @inlinable
  package var maximumTransferBytes: UInt32 {
    maximumTransferBlocks << UInt32(logicalBlockShift)
  }

  /// What `st_blksize` says, from 4096 bytes to 32 MiB: the optimal transfer, or a physical block.
  ///
  /// Programs take buffers of this size, so that an optimal transfer of another size, or of parts
  /// of physical blocks, counts as not reported: the rule is the kernel's (sd).
  @inlinable
  package var preferredTransferBytes: UInt32 {
    let optimal = optimalTransferBlocks << UInt32(logicalBlockShift)
    let sizes: ClosedRange<UInt32> = 4096...32 << 20
    if sizes.contains(optimal), optimal % physicalBlockLength == 0 { return optimal }
    return min(max(4096, physicalBlockLength), 32 << 20)
  }

  /// The whole medium.
  @inlinable
  package var allBlocks: BlockRange {
    BlockRange(first: LogicalBlockAddress(0), count: blockCount)
  }
}

extension Geometry {
  /// The geometry of a place where no unit is: one block, never used.
  package static let none: Geometry = {
    do throws(GeometryError) {
      return try Geometry(
        logicalBlockLength: 512, lastLogicalBlockAddress: LogicalBlockAddress(0))
    } catch {
      preconditionFailure("one block of 512 bytes is a geometry")
    }
  }()
}
