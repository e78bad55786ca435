/// A logical unit in memory: its identity, its medium, and what it admits to being.
///
/// It executes CDBs and knows nothing of iSCSI; unit attentions belong to the nexus
/// (`SimulatedSession`). Not thread-safe: its portal's owner serialises.
/// Source: SPC-5, SBC-4.
package final class SimulatedLogicalUnit {
  /// What a unit is and can do; all of it may be changed between commands.
  package struct Configuration: Sendable {
    /// Bytes in a logical block.
    package var blockLength = 512
    /// The number of logical blocks.
    package var blockCount: UInt64
    /// Logical blocks in a physical block, as a power of two.
    package var physicalBlockExponent: UInt8 = 3
    /// PERIPHERAL DEVICE TYPE: 00h disk, 05h CD, 0Ch controller, ...
    package var deviceType: UInt8 = 0x00
    /// PERIPHERAL QUALIFIER: 0 connected, 1 not connected, 3 cannot be.
    package var peripheralQualifier: UInt8 = 0
    /// Whether REPORT LUNS names it; one that is not listed answers as an absent one.
    package var isListed = true
    package var isWriteProtected = false
    /// WCE: writes may be lost until SYNCHRONIZE CACHE.
    package var hasVolatileCache = false
    /// LBPME, UNMAP and WRITE SAME with UNMAP.
    package var isThinProvisioned = true
    /// D_SENSE: sense data in descriptor format.
    package var usesDescriptorSense = false
    /// Whether a command with NACA that ends in CHECK CONDITION keeps others away until CLEAR ACA.
    package var supportsACA = false
    package var vendor = "ISCSIFS"
    package var product = "SIMULATED DISK"
    package var revision = "0001"
    package var serialNumber: String
    /// The NAA identifier: 8 bytes (NAA 2h, 3h or 5h) or 16 (NAA 6h); empty for none.
    package var naa: [UInt8]
    /// MAXIMUM TRANSFER LENGTH in blocks; longer reads and writes end with 5/24/00.
    package var maximumTransferBlocks: UInt32 = 32768
    /// OPTIMAL TRANSFER LENGTH in blocks.
    package var optimalTransferBlocks: UInt32 = 2048
    /// MAXIMUM UNMAP LBA COUNT.
    package var maximumUnmapBlocks: UInt32 = 1_048_576
    package var maximumUnmapDescriptors: UInt32 = 256
    /// MAXIMUM WRITE SAME LENGTH in blocks.
    package var maximumWriteSameBlocks: UInt64 = 32_768
    /// LBPU and LBPWS: which commands deallocate.
    package var unmaps = true
    package var unmapsByWriteSame = true
    /// LBPRZ; without it a block that holds nothing reads as A5h.
    package var unmappedBlocksReadZeros = true
    /// OPTIMAL UNMAP GRANULARITY in blocks; nil for the unit of allocation.
    package var unmapGranularityBlocks: UInt32?
    /// UNMAP GRANULARITY ALIGNMENT in blocks; nil where it is not told (UGAVALID).
    package var unmapAlignmentBlocks: UInt32? = 0
    /// UNMAP leaves blocks outside whole units of deallocation as they were.
    package var unmapLeavesParts = false
    /// Asymmetric access: the groups with their states, the unit reached through the first of
    /// them; none without (TPGS 00b).
    package var targetPortGroups: [(identifier: UInt16, state: UInt8)] = []
    /// Blocks that cannot be read: 3/11/00 with the first one's address.
    package var unreadableBlocks: [Range<UInt64>] = []

    /// A disk of `blockCount` blocks; `identity` makes serial number and NAA its own.
    package init(blockCount: UInt64, blockLength: Int = 512, identity: UInt32 = 1) {
      precondition(blockLength > 0 && blockCount > 0, "a medium has blocks")
      self.blockCount = blockCount
      self.blockLength = blockLength
      physicalBlockExponent = blockLength == 512 ? 3 : 0
      let digits = String(identity, radix: 16)
      serialNumber = "SIM" + String(repeating: "0", count: 8 - digits.count) + digits
      naa = [0x60, 0x0A, 0x0B, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00]
      naa.append(number: UInt64(identity), count: 4)
    }
  }

  package var configuration: Configuration {
    didSet {
      store.isVolatile = configuration.hasVolatileCache
      store.absent = configuration.unmappedBlocksReadZeros ? 0 : 0xA5
    }
  }
  /// START STOP UNIT's state; a stopped unit answers medium access with 2/04/02.
  package var isStarted = true
  /// The medium.
  package var store: SparseStore

  /// - Parameter chunkByteCount: the unit of allocation and mapping, rounded to whole blocks.
  package init(_ configuration: Configuration, chunkByteCount: Int = 64 * 1024) {
    self.configuration = configuration
    let blockLength = configuration.blockLength
    store = SparseStore(
      chunkByteCount: max(1, chunkByteCount / blockLength) * blockLength,
      isVolatile: configuration.hasVolatileCache)
    store.absent = configuration.unmappedBlocksReadZeros ? 0 : 0xA5
  }

  /// The medium's size in bytes.
  package var capacityBytes: UInt64 {
    configuration.blockCount * UInt64(configuration.blockLength)
  }

  /// Loses what the volatile cache held; the caller ends sessions or queues 29/00 as it wants.
  package func powerCycle() {
    store.losePower()
    isStarted = true
  }

  /// Bytes of the medium, for tests to compare with.
  package func contents(at offset: UInt64, count: Int) -> [UInt8] {
    var bytes: [UInt8] = []
    store.read(at: offset, count: count, into: &bytes)
    return bytes
  }

  /// Puts bytes on the medium behind the initiator's back, stable at once.
  package func setContents(_ bytes: [UInt8], at offset: UInt64) {
    store.write(bytes[...], at: offset, throughCache: true)
  }
}
