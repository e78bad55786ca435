package import Wire

/// Login Response.
///
/// Source: RFC 7143, 11.13.
package struct LoginResponse: BitwiseCopyable, Sendable {
  package var header: BasicHeaderSegment

  package init(_ header: BasicHeaderSegment) { self.header = header }

  package init(
    current: LoginStage,
    next: LoginStage?,
    continues: Bool = false,
    isid: ISID,
    tsih: UInt16,
    initiatorTaskTag: InitiatorTaskTag,
    statSN: SerialNumber,
    expCmdSN: SerialNumber,
    maxCmdSN: SerialNumber,
    statusClass: UInt8 = 0,
    statusDetail: UInt8 = 0
  ) {
    header = BasicHeaderSegment(
      opcode: .loginResponse,
      flags: (next == nil ? 0 : 0x80) | (continues ? 0x40 : 0) | current.rawValue << 2
        | (next?.rawValue ?? 0))
    header.word1 = isid.rawValue << 16 | UInt64(tsih)
    header.initiatorTaskTag = initiatorTaskTag
    header.statSN = statSN
    header.expCmdSN = expCmdSN
    header.word4 =
      UInt64(maxCmdSN.rawValue) << 32 | UInt64(statusClass) << 24 | UInt64(statusDetail) << 16
  }

  /// The T bit.
  package var transits: Bool { header.flags & 0x80 != 0 }
  /// The C bit: the text goes on in the next PDU.
  package var continues: Bool { header.flags & 0x40 != 0 }
  package var current: LoginStage? { LoginStage(rawValue: header.flags >> 2 & 0x03) }
  package var next: LoginStage? { LoginStage(rawValue: header.flags & 0x03) }
  package var isid: ISID { ISID(rawValue: header.word1 >> 16) }
  package var tsih: UInt16 { UInt16(truncatingIfNeeded: header.word1) }
  package var versionMaximum: UInt8 { header.byte2 }
  package var versionActive: UInt8 { header.byte3 }
  package var statusClass: UInt8 { UInt8(truncatingIfNeeded: header.word4 >> 24) }
  package var statusDetail: UInt8 { UInt8(truncatingIfNeeded: header.word4 >> 16) }
}
