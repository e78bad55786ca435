package import Wire

/// Logout Response.
///
/// Source: RFC 7143, 11.15.
package struct LogoutResponse: BitwiseCopyable, Sendable {
  /// How the logout ended (byte 2).
  package enum Response: UInt8, Sendable {
    case closed = 0
    case connectionIDNotFound = 1
    case recoveryNotSupported = 2
    case cleanupFailed = 3
  }

  package var header: BasicHeaderSegment

  package init(_ header: BasicHeaderSegment) { self.header = header }

  package init(
    response: Response,
    initiatorTaskTag: InitiatorTaskTag,
    statSN: SerialNumber,
    expCmdSN: SerialNumber,
    maxCmdSN: SerialNumber,
    time2Wait: UInt16 = 0,
    time2Retain: UInt16 = 0
  ) {
    header = BasicHeaderSegment(opcode: .logoutResponse, flags: 0x80)
    header.byte2 = response.rawValue
    header.initiatorTaskTag = initiatorTaskTag
    header.statSN = statSN
    header.expCmdSN = expCmdSN
    header.maxCmdSN = maxCmdSN
    header.word5 = UInt64(time2Wait) << 48 | UInt64(time2Retain) << 32
  }

  package var response: Response? { Response(rawValue: header.byte2) }
  /// Seconds to wait before the tasks may be reassigned or a reconnect is welcome.
  package var time2Wait: UInt16 { UInt16(truncatingIfNeeded: header.word5 >> 48) }
  /// Seconds, after Time2Wait, for which the target keeps the tasks.
  package var time2Retain: UInt16 { UInt16(truncatingIfNeeded: header.word5 >> 32) }
}
