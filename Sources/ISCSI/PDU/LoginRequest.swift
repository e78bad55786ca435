package import Wire

/// Login Request: always immediate; every one of a login carries the same tag and CmdSN.
///
/// Source: RFC 7143, 11.12.
package struct LoginRequest: BitwiseCopyable, Sendable {
  package var header: BasicHeaderSegment

  package init(_ header: BasicHeaderSegment) { self.header = header }

  /// - Parameter next: the stage asked for (the T bit), or nil to stay.
  package init(
    current: LoginStage,
    next: LoginStage?,
    continues: Bool = false,
    isid: ISID,
    tsih: UInt16,
    initiatorTaskTag: InitiatorTaskTag,
    connectionID: UInt16,
    cmdSN: SerialNumber,
    expStatSN: SerialNumber
  ) {
    precondition(!(continues && next != nil), "C and T exclude each other (11.12.2)")
    header = BasicHeaderSegment(
      opcode: .loginRequest, isImmediate: true,
      flags: (next == nil ? 0 : 0x80) | (continues ? 0x40 : 0) | current.rawValue << 2
        | (next?.rawValue ?? 0))
    header.word1 = isid.rawValue << 16 | UInt64(tsih)
    header.word2 = UInt64(initiatorTaskTag.rawValue) << 32 | UInt64(connectionID) << 16
    header.cmdSN = cmdSN
    header.expStatSN = expStatSN
  }

  /// The T bit.
  package var transits: Bool { header.flags & 0x80 != 0 }
  /// The C bit: the text goes on in the next PDU.
  package var continues: Bool { header.flags & 0x40 != 0 }
  package var current: LoginStage? { LoginStage(rawValue: header.flags >> 2 & 0x03) }
  package var next: LoginStage? { LoginStage(rawValue: header.flags & 0x03) }
  package var isid: ISID { ISID(rawValue: header.word1 >> 16) }
  package var tsih: UInt16 { UInt16(truncatingIfNeeded: header.word1) }
  package var connectionID: UInt16 { UInt16(truncatingIfNeeded: header.word2 >> 16) }
  package var versionMaximum: UInt8 { header.byte2 }
  package var versionMinimum: UInt8 { header.byte3 }
}
