package import SCSI
package import Wire

/// Asynchronous Message: the target speaks unasked.
///
/// Source: RFC 7143, 11.9.
package struct AsyncMessage: BitwiseCopyable, Sendable {
  /// What happened (byte 36).
  package enum Event: UInt8, Sendable {
    case scsiAsyncEvent = 0
    case logoutRequested = 1
    case connectionDropped = 2
    case allConnectionsDropped = 3
    case negotiationRequested = 4
    case taskTermination = 5
    case vendorSpecific = 255
  }

  package var header: BasicHeaderSegment

  package init(_ header: BasicHeaderSegment) { self.header = header }

  package init(
    event: Event,
    logicalUnit: LogicalUnitNumber = LogicalUnitNumber(rawValue: 0),
    vendorCode: UInt8 = 0,
    parameters: (UInt16, UInt16, UInt16) = (0, 0, 0),
    statSN: SerialNumber,
    expCmdSN: SerialNumber,
    maxCmdSN: SerialNumber
  ) {
    header = BasicHeaderSegment(opcode: .asyncMessage, flags: 0x80)
    header.word1 = logicalUnit.rawValue
    header.initiatorTaskTag = .reserved
    header.statSN = statSN
    header.expCmdSN = expCmdSN
    header.maxCmdSN = maxCmdSN
    header.word4 |=
      UInt64(event.rawValue) << 24 | UInt64(vendorCode) << 16 | UInt64(parameters.0)
    header.word5 = UInt64(parameters.1) << 48 | UInt64(parameters.2) << 32
  }

  package var event: Event? { Event(rawValue: UInt8(truncatingIfNeeded: header.word4 >> 24)) }
  package var vendorCode: UInt8 { UInt8(truncatingIfNeeded: header.word4 >> 16) }
  package var parameter1: UInt16 { UInt16(truncatingIfNeeded: header.word4) }
  package var parameter2: UInt16 { UInt16(truncatingIfNeeded: header.word5 >> 48) }
  package var parameter3: UInt16 { UInt16(truncatingIfNeeded: header.word5 >> 32) }
  package var logicalUnit: LogicalUnitNumber { LogicalUnitNumber(rawValue: header.word1) }
}
