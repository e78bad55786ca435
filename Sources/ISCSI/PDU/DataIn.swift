package import SCSI
package import Wire

/// SCSI Data-In: a piece of what a task reads, the last one perhaps with the status.
///
/// Source: RFC 7143, 11.7.
package struct DataIn: BitwiseCopyable, Sendable {
  package var header: BasicHeaderSegment

  package init(_ header: BasicHeaderSegment) { self.header = header }

  package init(
    initiatorTaskTag: InitiatorTaskTag,
    targetTransferTag: TargetTransferTag = .reserved,
    isFinal: Bool,
    requestsAcknowledgement: Bool = false,
    status: (status: SCSIStatus, statSN: SerialNumber, residual: Residual)? = nil,
    expCmdSN: SerialNumber,
    maxCmdSN: SerialNumber,
    dataSN: UInt32,
    bufferOffset: UInt32
  ) {
    header = BasicHeaderSegment(
      opcode: .dataIn,
      flags: (isFinal ? 0x80 : 0) | (requestsAcknowledgement ? 0x40 : 0)
        | (status == nil ? 0 : 0x01) | (status?.residual.flags ?? 0))
    header.initiatorTaskTag = initiatorTaskTag
    header.targetTransferTag = targetTransferTag
    header.expCmdSN = expCmdSN
    header.maxCmdSN = maxCmdSN
    header.word4 |= UInt64(dataSN)
    header.word5 = UInt64(bufferOffset) << 32
    if let status {
      header.byte3 = status.status.rawValue
      header.statSN = status.statSN
      header.word5 |= UInt64(status.residual.count)
    }
  }

  /// The A bit: acknowledge with a SNACK of type DataACK (ErrorRecoveryLevel above 0).
  package var requestsAcknowledgement: Bool { header.flags & 0x40 != 0 }
  /// The S bit: status, StatSN and residual are valid.
  package var hasStatus: Bool { header.flags & 0x01 != 0 }
  package var status: SCSIStatus { SCSIStatus(rawValue: header.byte3) }
  package var dataSN: UInt32 { UInt32(truncatingIfNeeded: header.word4) }
  package var bufferOffset: UInt32 { UInt32(truncatingIfNeeded: header.word5 >> 32) }
  package var residual: Residual? {
    Residual(flags: header.flags, count: UInt32(truncatingIfNeeded: header.word5))
  }
}
