package import SCSI

/// The commands that move a range of blocks, in ascending order, none longer than the device takes.
///
/// A value to iterate: it holds no memory, and next to nothing is computed before it is asked for.
package struct TransferCommands: BitwiseCopyable, Sequence, IteratorProtocol, Sendable {
  /// Whether the commands read or write, and with what caching.
  package enum Direction: UInt8, BitwiseCopyable, Hashable, Sendable {
    case read
    case write

    /// A write that is on the medium before its status comes: FUA (SBC-4, 5.45).
    case writeForcingUnitAccess
  }

  /// Which commands move the blocks.
  package enum Form: UInt8, BitwiseCopyable, Hashable, Sendable {
    /// READ(16) and WRITE(16), which reach every block.
    case sixteen

    /// READ(10) and WRITE(10) wherever address and count fit: for devices without the others.
    case tenWhereItFits
  }

  package let direction: Direction
  package let form: Form
  package let maximumBlocks: UInt32
  package let logicalBlockShift: UInt8

  /// Blocks no command has been made for yet.
  package var remaining: BlockRange

  /// Bytes of the commands already made.
  package var byteOffset: UInt64 = 0

  /// The commands that move `blocks`, which traps unless they all lie on the medium.
  @inlinable
  package init(
    _ direction: Direction, blocks: BlockRange, geometry: Geometry,
    form: Form = .sixteen
  ) {
    precondition(
      blocks.count <= geometry.blockCount
        && blocks.first.rawValue <= geometry.blockCount - blocks.count || blocks.isEmpty,
      "a transfer lies on the medium")
    self.direction = direction
    self.form = form
    self.maximumBlocks = geometry.maximumTransferBlocks
    self.logicalBlockShift = geometry.logicalBlockShift
    self.remaining = blocks
  }

  /// How many commands are still to come.
  @inlinable
  package var remainingCount: UInt64 {
    remaining.count / UInt64(maximumBlocks)
      + (remaining.count % UInt64(maximumBlocks) == 0 ? 0 : 1)
  }

  /// Whether no more than one command has been made.
  @inlinable
  package var isOneCommand: Bool {
    byteOffset <= UInt64(maximumBlocks) << UInt64(logicalBlockShift)
  }

  /// The next command, or nil when all blocks have one.
  @inlinable
  package mutating func next() -> TransferCommand? {
    guard !remaining.isEmpty else { return nil }
    let count = UInt32(truncatingIfNeeded: Swift.min(remaining.count, UInt64(maximumBlocks)))
    let blocks = BlockRange(first: remaining.first, count: UInt64(count))
    let command = TransferCommand(
      commandDescriptorBlock: commandDescriptorBlock(first: blocks.first, count: count),
      blocks: blocks, byteOffset: byteOffset, byteCount: count << UInt32(logicalBlockShift))
    remaining = BlockRange(first: blocks.end, count: remaining.count - blocks.count)
    byteOffset += UInt64(command.byteCount)
    return command
  }

  /// The CDB for one command's blocks, in ten bytes only where both fields hold the numbers.
  @inlinable
  package func commandDescriptorBlock(
    first: LogicalBlockAddress, count: UInt32
  ) -> CommandDescriptorBlock {
    let forceUnitAccess = direction == .writeForcingUnitAccess
    let fitsTen = count <= UInt16.max && first.rawValue + UInt64(count) - 1 <= UInt32.max
    switch (direction, form == .tenWhereItFits && fitsTen) {
    case (.read, false):
      return .read16(lba: first, blocks: count)
    case (.read, true):
      return .read10(lba: first, blocks: count)
    case (.write, false), (.writeForcingUnitAccess, false):
      return .write16(lba: first, blocks: count, forceUnitAccess: forceUnitAccess)
    case (.write, true), (.writeForcingUnitAccess, true):
      return .write10(lba: first, blocks: count, forceUnitAccess: forceUnitAccess)
    }
  }
}
