import Wire

/// How many blocks a medium has, and how long they are, from either READ CAPACITY.
///
/// The numbers are as the target reported them; `LogicalUnit` decides whether they make sense.
/// Source: SBC-4, 5.19.2 (READ CAPACITY(10)) and 5.20.2 (READ CAPACITY(16)).
package struct ReadCapacityData: BitwiseCopyable, Hashable, Sendable {
  /// RETURNED LOGICAL BLOCK ADDRESS: the last one, not the count.
  package var lastLogicalBlockAddress: LogicalBlockAddress

  /// LOGICAL BLOCK LENGTH IN BYTES.
  package var logicalBlockLengthBytes: UInt32

  /// LOGICAL BLOCKS PER PHYSICAL BLOCK EXPONENT: a physical block has two to this power of blocks.
  package var physicalBlockExponent: UInt8 = 0

  /// LOWEST ALIGNED LOGICAL BLOCK ADDRESS: the first that starts a physical block.
  package var lowestAlignedLogicalBlockAddress: UInt16 = 0

  /// LBPME: provisioning is managed, blocks may be unmapped.
  package var isProvisioningManaged = false

  /// LBPRZ: unmapped blocks read as zeros.
  package var unmappedBlocksReadZeros = false

  /// PROT_EN: the medium is formatted with protection information.
  package var hasProtectionInformation = false

  /// The medium's capacity as a 10-byte command tells it, eight bytes.
  package init(parsingReadCapacity10 bytes: borrowing RawSpan) throws(ParameterDataError) {
    guard bytes.byteCount >= 8 else {
      throw .tooShort(byteCount: bytes.byteCount, minimum: 8)
    }
    lastLogicalBlockAddress = LogicalBlockAddress(
      UInt64(bytes.bigEndian(at: 0, as: UInt32.self)))
    logicalBlockLengthBytes = bytes.bigEndian(at: 4, as: UInt32.self)
  }

  /// The medium's capacity as a 16-byte command tells it; twelve bytes carry what matters.
  package init(parsingReadCapacity16 bytes: borrowing RawSpan) throws(ParameterDataError) {
    let count = bytes.byteCount
    guard count >= 12 else { throw .tooShort(byteCount: count, minimum: 12) }
    lastLogicalBlockAddress = LogicalBlockAddress(bytes.bigEndian(at: 0, as: UInt64.self))
    logicalBlockLengthBytes = bytes.bigEndian(at: 8, as: UInt32.self)
    hasProtectionInformation = count > 12 && bytes.byte(at: 12) & 0x01 != 0
    physicalBlockExponent = count > 13 ? bytes.byte(at: 13) & 0x0F : 0
    guard count >= 16 else { return }
    let provisioning = bytes.bigEndian(at: 14, as: UInt16.self)
    isProvisioningManaged = provisioning & 0x8000 != 0
    unmappedBlocksReadZeros = provisioning & 0x4000 != 0
    lowestAlignedLogicalBlockAddress = provisioning & 0x3FFF
  }

  /// True when READ CAPACITY(10) gave the address that means: ask READ CAPACITY(16).
  package var exceedsReadCapacity10: Bool {
    lastLogicalBlockAddress.rawValue == UInt32.max
  }
}
