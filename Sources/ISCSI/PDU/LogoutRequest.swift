package import Wire

/// Logout Request.
///
/// Source: RFC 7143, 11.14.
package struct LogoutRequest: BitwiseCopyable, Sendable {
  /// Why (byte 1, bits 0-6).
  package enum Reason: UInt8, Sendable {
    case closeSession = 0
    case closeConnection = 1
    case removeConnectionForRecovery = 2
  }

  package var header: BasicHeaderSegment

  package init(_ header: BasicHeaderSegment) { self.header = header }

  package init(
    reason: Reason,
    initiatorTaskTag: InitiatorTaskTag,
    connectionID: UInt16,
    cmdSN: SerialNumber,
    expStatSN: SerialNumber
  ) {
    header = BasicHeaderSegment(
      opcode: .logoutRequest, isImmediate: true, flags: 0x80 | reason.rawValue)
    header.word2 = UInt64(initiatorTaskTag.rawValue) << 32 | UInt64(connectionID) << 16
    header.cmdSN = cmdSN
    header.expStatSN = expStatSN
  }

  package var reason: Reason? { Reason(rawValue: header.flags & 0x7F) }
  package var connectionID: UInt16 { UInt16(truncatingIfNeeded: header.word2 >> 16) }
}
