package import Wire

/// Text Response: key=value text outside login.
///
/// Source: RFC 7143, 11.11.
package struct TextResponse: BitwiseCopyable, Sendable {
  package var header: BasicHeaderSegment

  package init(_ header: BasicHeaderSegment) { self.header = header }

  package init(
    isFinal: Bool,
    continues: Bool = false,
    lun: UInt64 = 0,
    initiatorTaskTag: InitiatorTaskTag,
    targetTransferTag: TargetTransferTag = .reserved,
    statSN: SerialNumber,
    expCmdSN: SerialNumber,
    maxCmdSN: SerialNumber
  ) {
    header = BasicHeaderSegment(
      opcode: .textResponse, flags: (isFinal ? 0x80 : 0) | (continues ? 0x40 : 0))
    header.word1 = lun
    header.initiatorTaskTag = initiatorTaskTag
    header.targetTransferTag = targetTransferTag
    header.statSN = statSN
    header.expCmdSN = expCmdSN
    header.maxCmdSN = maxCmdSN
  }

  /// The C bit: the text goes on in the next PDU.
  package var continues: Bool { header.flags & 0x40 != 0 }
}
