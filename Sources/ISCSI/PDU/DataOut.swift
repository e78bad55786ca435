package import SCSI
package import Wire

/// SCSI Data-Out: a piece of what a task writes, unsolicited or answering an R2T.
///
/// Source: RFC 7143, 11.7.
package struct DataOut: BitwiseCopyable, Sendable {
  package var header: BasicHeaderSegment

  package init(_ header: BasicHeaderSegment) { self.header = header }

  package init(
    logicalUnit: LogicalUnitNumber,
    initiatorTaskTag: InitiatorTaskTag,
    targetTransferTag: TargetTransferTag,
    expStatSN: SerialNumber,
    dataSN: UInt32,
    bufferOffset: UInt32,
    length: Int,
    isFinal: Bool
  ) {
    header = BasicHeaderSegment(opcode: .dataOut, flags: isFinal ? 0x80 : 0)
    header.dataSegmentLength = length
    header.word1 = logicalUnit.rawValue
    header.word2 = UInt64(initiatorTaskTag.rawValue) << 32 | UInt64(targetTransferTag.rawValue)
    header.word3 = UInt64(expStatSN.rawValue)
    header.word4 = UInt64(dataSN)
    header.word5 = UInt64(bufferOffset) << 32
  }

  package var logicalUnit: LogicalUnitNumber { LogicalUnitNumber(rawValue: header.word1) }
  package var dataSN: UInt32 { UInt32(truncatingIfNeeded: header.word4) }
  package var bufferOffset: UInt32 { UInt32(truncatingIfNeeded: header.word5 >> 32) }
}
