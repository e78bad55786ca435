package import SCSI
package import Wire

/// NOP-Out: a ping, the answer to the target's ping, or a bare acknowledgement of StatSN.
///
/// Source: RFC 7143, 11.18.
package struct NOPOut: BitwiseCopyable, Sendable {
  package var header: BasicHeaderSegment

  package init(_ header: BasicHeaderSegment) { self.header = header }

  /// A ping with tag `initiatorTaskTag`, or (with a target transfer tag) an answer to one.
  package init(
    logicalUnit: LogicalUnitNumber = LogicalUnitNumber(rawValue: 0),
    initiatorTaskTag: InitiatorTaskTag,
    targetTransferTag: TargetTransferTag = .reserved,
    cmdSN: SerialNumber,
    expStatSN: SerialNumber
  ) {
    header = BasicHeaderSegment(opcode: .nopOut, isImmediate: true, flags: 0x80)
    header.word1 = logicalUnit.rawValue
    header.initiatorTaskTag = initiatorTaskTag
    header.targetTransferTag = targetTransferTag
    header.cmdSN = cmdSN
    header.expStatSN = expStatSN
  }
}
