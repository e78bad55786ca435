package import SCSI
package import Wire

/// SCSI Response: how a task ended; its data segment is the sense data behind a two-byte length.
///
/// Source: RFC 7143, 11.4.
package struct SCSIResponse: BitwiseCopyable, Sendable {
  package var header: BasicHeaderSegment

  package init(_ header: BasicHeaderSegment) { self.header = header }

  package init(
    initiatorTaskTag: InitiatorTaskTag,
    status: SCSIStatus,
    response: UInt8 = 0,
    snackTag: UInt32 = 0,
    statSN: SerialNumber,
    expCmdSN: SerialNumber,
    maxCmdSN: SerialNumber,
    expDataSN: UInt32 = 0,
    residual: Residual = .none
  ) {
    header = BasicHeaderSegment(opcode: .scsiResponse, flags: 0x80 | residual.flags)
    header.byte2 = response
    header.byte3 = status.rawValue
    header.initiatorTaskTag = initiatorTaskTag
    header.targetTransferTag = TargetTransferTag(rawValue: snackTag)
    header.statSN = statSN
    header.expCmdSN = expCmdSN
    header.maxCmdSN = maxCmdSN
    header.word4 |= UInt64(expDataSN)
    header.word5 = UInt64(residual.count)
  }

  /// 00h: completed at the target; 01h: target failure; 80h-FFh: the vendor's. (11.4.3)
  package var response: UInt8 { header.byte2 }
  package var status: SCSIStatus { SCSIStatus(rawValue: header.byte3) }
  /// The SNACK Tag of the last R-Data SNACK the target took for the task; 0 without one. (11.4.4)
  package var snackTag: UInt32 { header.targetTransferTag.rawValue }
  /// How many Data-In (reads) or R2T (writes) PDUs the target sent for the task.
  package var expDataSN: UInt32 { UInt32(truncatingIfNeeded: header.word4) }

  /// Nil when overflow and underflow are both claimed.
  package var residual: Residual? {
    Residual(flags: header.flags, count: UInt32(truncatingIfNeeded: header.word5))
  }
}
