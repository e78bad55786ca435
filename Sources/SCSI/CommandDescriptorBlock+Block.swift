/// Commands of direct-access block devices.
///
/// Source: SBC-4, clause 5.
extension CommandDescriptorBlock {
  /// READ CAPACITY(10) (SBC-4, 5.19).
  @inlinable
  package static var readCapacity10: CommandDescriptorBlock {
    CommandDescriptorBlock(first: OperationCode.readCapacity10.word, second: 0, length: 10)
  }

  /// READ CAPACITY(16) (SBC-4, 5.20).
  @inlinable
  package static func readCapacity16(allocationLength: UInt32 = 32) -> CommandDescriptorBlock {
    let action = UInt64(ServiceAction.readCapacity16.rawValue) << 48
    return CommandDescriptorBlock(
      first: OperationCode.serviceActionIn16.word | action,
      second: UInt64(allocationLength) << 16, length: 16)
  }

  /// READ(16) (SBC-4, 5.18).
  @inlinable
  package static func read16(
    lba: LogicalBlockAddress, blocks: UInt32, forceUnitAccess: Bool = false
  ) -> CommandDescriptorBlock {
    transfer16(.read16, lba: lba, blocks: blocks, flags: forceUnitAccess ? 0x08 : 0)
  }

  /// WRITE(16) (SBC-4, 5.45).
  @inlinable
  package static func write16(
    lba: LogicalBlockAddress, blocks: UInt32, forceUnitAccess: Bool = false
  ) -> CommandDescriptorBlock {
    transfer16(.write16, lba: lba, blocks: blocks, flags: forceUnitAccess ? 0x08 : 0)
  }

  /// READ(10) (SBC-4, 5.16); traps when the address or the count does not fit.
  @inlinable
  package static func read10(
    lba: LogicalBlockAddress, blocks: UInt32, forceUnitAccess: Bool = false
  ) -> CommandDescriptorBlock {
    transfer10(.read10, lba: lba, blocks: blocks, flags: forceUnitAccess ? 0x08 : 0)
  }

  /// WRITE(10) (SBC-4, 5.43); traps when the address or the count does not fit.
  @inlinable
  package static func write10(
    lba: LogicalBlockAddress, blocks: UInt32, forceUnitAccess: Bool = false
  ) -> CommandDescriptorBlock {
    transfer10(.write10, lba: lba, blocks: blocks, flags: forceUnitAccess ? 0x08 : 0)
  }

  /// SYNCHRONIZE CACHE(10) (SBC-4, 5.33); zero blocks means to the end of the medium.
  @inlinable
  package static func synchronizeCache10(
    lba: LogicalBlockAddress = LogicalBlockAddress(0), blocks: UInt32 = 0
  ) -> CommandDescriptorBlock {
    transfer10(.synchronizeCache10, lba: lba, blocks: blocks, flags: 0)
  }

  /// SYNCHRONIZE CACHE(16) (SBC-4, 5.34); zero blocks means to the end of the medium.
  @inlinable
  package static func synchronizeCache16(
    lba: LogicalBlockAddress = LogicalBlockAddress(0), blocks: UInt32 = 0
  ) -> CommandDescriptorBlock {
    transfer16(.synchronizeCache16, lba: lba, blocks: blocks, flags: 0)
  }

  /// START STOP UNIT, waiting for its end (SBC-4, 5.31).
  @inlinable
  package static func startStopUnit(start: Bool) -> CommandDescriptorBlock {
    let startBit: UInt64 = start ? 1 << 24 : 0
    let first = OperationCode.startStopUnit.word | startBit
    return CommandDescriptorBlock(first: first, second: 0, length: 6)
  }

  /// UNMAP with a parameter list of this many bytes (SBC-4, 5.35).
  @inlinable
  package static func unmap(
    parameterListLength: UInt16, anchor: Bool = false
  ) -> CommandDescriptorBlock {
    let anchorBit: UInt64 = anchor ? 1 << 48 : 0
    let length = UInt64(parameterListLength)
    let first = OperationCode.unmap.word | anchorBit | length >> 8
    return CommandDescriptorBlock(first: first, second: length << 56, length: 10)
  }

  /// WRITE SAME(16) of one block of data, deallocating where `unmap` (SBC-4, 5.50).
  @inlinable
  package static func writeSame16(
    lba: LogicalBlockAddress, blocks: UInt32, unmap: Bool = false, anchor: Bool = false
  ) -> CommandDescriptorBlock {
    let flags: UInt8 = (anchor ? 0x10 : 0) | (unmap ? 0x08 : 0)
    return transfer16(.writeSame16, lba: lba, blocks: blocks, flags: flags)
  }

  /// GET LBA STATUS(16) from `lba` on (SBC-4, 5.7).
  @inlinable
  package static func getLBAStatus(
    lba: LogicalBlockAddress, allocationLength: UInt32
  ) -> CommandDescriptorBlock {
    transfer16(
      .serviceActionIn16, lba: lba, blocks: allocationLength,
      flags: ServiceAction.getLBAStatus.rawValue)
  }

  /// The shape sixteen-byte block commands share: flags, address in bytes 2-9, count in 10-13.
  @inlinable
  package static func transfer16(
    _ operationCode: OperationCode, lba: LogicalBlockAddress, blocks: UInt32, flags: UInt8
  ) -> CommandDescriptorBlock {
    CommandDescriptorBlock(
      first: operationCode.word | UInt64(flags) << 48 | lba.rawValue >> 16,
      second: lba.rawValue << 48 | UInt64(blocks) << 16, length: 16)
  }

  /// The shape ten-byte block commands share: flags, address in bytes 2-5, count in 7-8.
  @inlinable
  package static func transfer10(
    _ operationCode: OperationCode, lba: LogicalBlockAddress, blocks: UInt32, flags: UInt8
  ) -> CommandDescriptorBlock {
    precondition(lba.rawValue <= UInt32.max, "a 10-byte CDB has a 32-bit address")
    precondition(blocks <= UInt16.max, "a 10-byte CDB has a 16-bit count")
    let count = UInt64(blocks)
    return CommandDescriptorBlock(
      first: operationCode.word | UInt64(flags) << 48 | lba.rawValue << 16 | count >> 8,
      second: count << 56, length: 10)
  }
}
