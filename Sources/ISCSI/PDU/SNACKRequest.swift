package import Wire

/// SNACK Request: asks for PDUs again, or acknowledges Data-In.
///
/// Source: RFC 7143, 11.16.
package struct SNACKRequest: BitwiseCopyable, Sendable {
  /// What is asked for (byte 1, bits 0-3).
  package enum Kind: UInt8, Sendable {
    case dataOrR2T = 0
    case status = 1
    case dataACK = 2
    case rData = 3
  }

  package var header: BasicHeaderSegment

  package init(_ header: BasicHeaderSegment) { self.header = header }

  package init(
    kind: Kind,
    lun: UInt64 = 0,
    initiatorTaskTag: InitiatorTaskTag,
    targetTransferTag: TargetTransferTag,
    expStatSN: SerialNumber,
    begRun: UInt32,
    runLength: UInt32
  ) {
    header = BasicHeaderSegment(opcode: .snackRequest, flags: 0x80 | kind.rawValue)
    header.word1 = lun
    header.initiatorTaskTag = initiatorTaskTag
    header.targetTransferTag = targetTransferTag
    header.expStatSN = expStatSN
    header.word5 = UInt64(begRun) << 32 | UInt64(runLength)
  }

  /// What a SCSI Response has to copy, of an R-Data SNACK (11.16.5).
  package var snackTag: UInt32 { header.targetTransferTag.rawValue }
  package var kind: Kind? { Kind(rawValue: header.flags & 0x0F) }
  package var begRun: UInt32 { UInt32(truncatingIfNeeded: header.word5 >> 32) }
  package var runLength: UInt32 { UInt32(truncatingIfNeeded: header.word5) }
}
