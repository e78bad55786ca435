package import SCSI
package import Wire

/// R2T: the target asks for a range of what a task writes.
///
/// Source: RFC 7143, 11.8.
package struct ReadyToTransfer: BitwiseCopyable, Sendable {
  package var header: BasicHeaderSegment

  package init(_ header: BasicHeaderSegment) { self.header = header }

  package init(
    logicalUnit: LogicalUnitNumber,
    initiatorTaskTag: InitiatorTaskTag,
    targetTransferTag: TargetTransferTag,
    statSN: SerialNumber,
    expCmdSN: SerialNumber,
    maxCmdSN: SerialNumber,
    r2tSN: UInt32,
    bufferOffset: UInt32,
    desiredDataTransferLength: UInt32
  ) {
    header = BasicHeaderSegment(opcode: .readyToTransfer, flags: 0x80)
    header.word1 = logicalUnit.rawValue
    header.initiatorTaskTag = initiatorTaskTag
    header.targetTransferTag = targetTransferTag
    header.statSN = statSN
    header.expCmdSN = expCmdSN
    header.maxCmdSN = maxCmdSN
    header.word4 |= UInt64(r2tSN)
    header.word5 = UInt64(bufferOffset) << 32 | UInt64(desiredDataTransferLength)
  }

  package var r2tSN: UInt32 { UInt32(truncatingIfNeeded: header.word4) }
  package var bufferOffset: UInt32 { UInt32(truncatingIfNeeded: header.word5 >> 32) }
  package var desiredDataTransferLength: UInt32 { UInt32(truncatingIfNeeded: header.word5) }
}
