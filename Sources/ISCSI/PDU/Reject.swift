package import Wire

/// Reject: the target could not take a PDU; its data segment is that PDU's header.
///
/// Source: RFC 7143, 11.17.
package struct Reject: BitwiseCopyable, Sendable {
  /// Why (byte 2).
  package enum Reason: UInt8, Sendable {
    case dataDigestError = 0x02
    case snackReject = 0x03
    case protocolError = 0x04
    case commandNotSupported = 0x05
    case immediateCommandReject = 0x06
    case taskInProgress = 0x07
    case invalidDataACK = 0x08
    case invalidPDUField = 0x09
    case longOperationReject = 0x0A
    case waitingForLogout = 0x0C
  }

  package var header: BasicHeaderSegment

  package init(_ header: BasicHeaderSegment) { self.header = header }

  package init(
    reason: Reason,
    statSN: SerialNumber,
    expCmdSN: SerialNumber,
    maxCmdSN: SerialNumber,
    dataSN: UInt32 = 0
  ) {
    header = BasicHeaderSegment(opcode: .reject, flags: 0x80)
    header.byte2 = reason.rawValue
    header.initiatorTaskTag = .reserved
    header.statSN = statSN
    header.expCmdSN = expCmdSN
    header.maxCmdSN = maxCmdSN
    header.word4 |= UInt64(dataSN)
  }

  package var reason: Reason? { Reason(rawValue: header.byte2) }
  package var rawReason: UInt8 { header.byte2 }
}
