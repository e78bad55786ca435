package import Wire

/// Text Request: key=value text outside login.
///
/// Source: RFC 7143, 11.10.
package struct TextRequest: BitwiseCopyable, Sendable {
  package var header: BasicHeaderSegment

  package init(_ header: BasicHeaderSegment) { self.header = header }

  package init(
    isFinal: Bool,
    continues: Bool = false,
    isImmediate: Bool = false,
    lun: UInt64 = 0,
    initiatorTaskTag: InitiatorTaskTag,
    targetTransferTag: TargetTransferTag = .reserved,
    cmdSN: SerialNumber,
    expStatSN: SerialNumber
  ) {
    header = BasicHeaderSegment(
      opcode: .textRequest, isImmediate: isImmediate,
      flags: (isFinal ? 0x80 : 0) | (continues ? 0x40 : 0))
    header.word1 = lun
    header.initiatorTaskTag = initiatorTaskTag
    header.targetTransferTag = targetTransferTag
    header.cmdSN = cmdSN
    header.expStatSN = expStatSN
  }

  /// The C bit: the text goes on in the next PDU.
  package var continues: Bool { header.flags & 0x40 != 0 }
}
