package import SCSI

/// How the blocks of a logical unit are zeroed and given back: what it offers, its limits, and
/// what it has turned out to refuse.
///
/// Everything is bounded here once, so that the data path computes with it freely.
/// Source: SBC-4, 4.7 (logical block provisioning), 5.35, 5.50, 6.6.4 and 6.6.7.
package struct Provisioning: BitwiseCopyable, Hashable, Sendable {
  /// The most bytes one command is asked to zero by writing: even a slow device is done with them
  /// long before a command without an answer counts as lost.
  static let zeroingLimitBytes: UInt64 = 32 << 20

  /// The same for a command that deallocates, though a device may write zeros instead.
  static let deallocationLimitBytes: UInt64 = 256 << 20

  /// Every block is there, always: nothing can be given back, and space is never missing.
  package var isFull = true

  /// Deallocated blocks read as zeros (LBPRZ).
  package var readsZeros = false

  /// WRITE SAME(16) is taken; no page says so, so that it is believed until it is refused.
  package var writesSame = true

  /// WRITE SAME(16) with UNMAP is taken (LBPWS): it zeroes whatever it does not deallocate.
  package var unmapsByWriteSame = false

  /// UNMAP is taken (LBPU), for at least one unit of deallocation at once; it may leave blocks as
  /// they are.
  package var unmaps = false

  /// GET LBA STATUS is taken; believed of thin units until it is refused.
  package var tellsStatus = false

  /// Blocks deallocated together, at least one, and the first block such a unit starts at.
  package private(set) var granularityBlocks: UInt64 = 1
  package private(set) var alignmentBlocks: UInt64 = 0

  /// The most blocks of one UNMAP and one WRITE SAME, with UNMAP and without; never zero.
  package var maximumUnmapBlocks: UInt64 = 1
  package private(set) var maximumUnmappingWriteSameBlocks: UInt64
  package private(set) var maximumWriteSameBlocks: UInt64

  /// A unit of `geometry` that says nothing of provisioning.
  package init(geometry: Geometry) {
    self.init(geometry: geometry, limits: nil)
  }

  private init(geometry: Geometry, limits: BlockLimits?) {
    let told = limits?.maximumWriteSameBlocks ?? 0
    let widest = told == 0 ? UInt64(UInt32.max) : min(told, UInt64(UInt32.max))
    let shift = UInt64(geometry.logicalBlockShift)
    maximumWriteSameBlocks = min(widest, Self.zeroingLimitBytes >> shift)
    maximumUnmappingWriteSameBlocks = min(widest, Self.deallocationLimitBytes >> shift)
  }

  /// What a unit of `geometry` has reported.
  package init(_ description: LogicalUnitDescription, geometry: Geometry) {
    self.init(geometry: geometry, limits: description.blockLimits)
    guard let capacity = description.capacity, capacity.isProvisioningManaged else { return }
    isFull = false
    readsZeros = description.unmappedBlocksReadZeros
    tellsStatus = true
    unmapsByWriteSame = description.provisioning?.supportsWriteSame16Unmap ?? false
    guard let limits = description.blockLimits else { return }
    granularityBlocks = UInt64(limits.unmapGranularity)
    alignmentBlocks = UInt64(limits.unmapAlignment)
    let limit = max(
      granularityBlocks, Self.deallocationLimitBytes >> UInt64(geometry.logicalBlockShift))
    maximumUnmapBlocks = min(UInt64(limits.maximumUnmapBlocks), limit)
    // A unit that no command may hold whole cannot be given back.
    unmaps =
      description.provisioning?.supportsUnmap ?? false && limits.supportsUnmap
      && maximumUnmapBlocks >= granularityBlocks
    maximumUnmapBlocks = max(1, maximumUnmapBlocks)
  }
}

extension Provisioning {
  /// Whether blocks can be given back that then read as zeros.
  package var givesBack: Bool { maximumDeallocationBlocks > 0 }

  /// The most blocks one command gives back; zero where nothing is given back.
  package var maximumDeallocationBlocks: UInt64 {
    guard readsZeros else { return 0 }
    if unmapsByWriteSame { return maximumUnmappingWriteSameBlocks }
    return unmaps ? maximumUnmapBlocks : 0
  }

  /// The first block at or after `block` where a unit of deallocation starts, as far as addresses
  /// go.
  package func firstUnit(from block: LogicalBlockAddress) -> LogicalBlockAddress {
    guard block.rawValue > alignmentBlocks else { return LogicalBlockAddress(alignmentBlocks) }
    let behind = (block.rawValue - alignmentBlocks) % granularityBlocks
    let missing = behind == 0 ? 0 : granularityBlocks - behind
    let (next, overflow) = block.rawValue.addingReportingOverflow(missing)
    return LogicalBlockAddress(overflow ? .max : next)
  }

  /// `range` up to `limit` blocks, ending where a unit of deallocation does if it can.
  package func cut(_ range: BlockRange, limit: UInt64) -> BlockRange {
    guard range.count > limit else { return range }
    let end = range.first.rawValue + limit
    let excess = end >= alignmentBlocks ? (end - alignmentBlocks) % granularityBlocks : 0
    return BlockRange(first: range.first, count: excess < limit ? limit - excess : limit)
  }
}
