package import SCSI
package import Wire

/// NOP-In: the answer to a ping, or the target's own.
///
/// Source: RFC 7143, 11.19.
package struct NOPIn: BitwiseCopyable, Sendable {
  package var header: BasicHeaderSegment

  package init(_ header: BasicHeaderSegment) { self.header = header }

  package init(
    logicalUnit: LogicalUnitNumber = LogicalUnitNumber(rawValue: 0),
    initiatorTaskTag: InitiatorTaskTag = .reserved,
    targetTransferTag: TargetTransferTag = .reserved,
    statSN: SerialNumber,
    expCmdSN: SerialNumber,
    maxCmdSN: SerialNumber
  ) {
    header = BasicHeaderSegment(opcode: .nopIn, flags: 0x80)
    header.word1 = logicalUnit.rawValue
    header.initiatorTaskTag = initiatorTaskTag
    header.targetTransferTag = targetTransferTag
    header.statSN = statSN
    header.expCmdSN = expCmdSN
    header.maxCmdSN = maxCmdSN
  }

  package var logicalUnit: LogicalUnitNumber { LogicalUnitNumber(rawValue: header.word1) }
}
