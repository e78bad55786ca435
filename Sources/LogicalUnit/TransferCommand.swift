package import SCSI

/// One command of a transfer, and where its bytes lie in the transfer's buffer.
package struct TransferCommand: BitwiseCopyable, Hashable, Sendable {
  package let commandDescriptorBlock: CommandDescriptorBlock
  package let blocks: BlockRange

  /// Where this command's bytes start, from the start of the transfer.
  package let byteOffset: UInt64

  /// The Expected Data Transfer Length.
  package let byteCount: UInt32

  @inlinable
  package init(
    commandDescriptorBlock: CommandDescriptorBlock, blocks: BlockRange, byteOffset: UInt64,
    byteCount: UInt32
  ) {
    self.commandDescriptorBlock = commandDescriptorBlock
    self.blocks = blocks
    self.byteOffset = byteOffset
    self.byteCount = byteCount
  }
}
