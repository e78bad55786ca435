package import Wire

/// What one connection agreed on and the numbers of its answers: StatSN, in full feature phase.
///
/// The numbers of commands are the session's (`CommandWindow`). A value without time or memory: the
/// caller hands it every header that bears a status, in order.
/// Source: RFC 7143, 4.2.2.2.
package struct FullFeatureMachine: BitwiseCopyable, Sendable {
  /// What the login agreed on, and the target has declared since.
  package private(set) var parameters: NegotiatedParameters
  /// Which status numbers have come.
  package var status: StatusWindow

  package init(parameters: NegotiatedParameters, expStatSN: SerialNumber) {
    self.parameters = parameters
    status = StatusWindow(expected: expStatSN)
  }

  /// The status number expected next; sent back as acknowledgement in every PDU.
  package var expStatSN: SerialNumber { status.expected }

  /// Whether what is lost is asked for again on this connection (RFC 7143, 7.1.4).
  package var recovers: Bool { parameters.errorRecoveryLevel > 0 }

  /// The target takes data segments of another length from now on (RFC 7143, 13.12).
  package mutating func declare(maxXmitDataSegmentLength: UInt32) {
    parameters.maxXmitDataSegmentLength = maxXmitDataSegmentLength
  }

  /// Checks and counts the StatSN of a PDU that carries status.
  ///
  /// At ErrorRecoveryLevel 0 a gap means that status was lost, and ends the session. Above, it has
  /// been counted in `status` before its PDU was looked at.
  package mutating func advanceStatus(
    from header: BasicHeaderSegment
  ) throws(ProtocolViolation) {
    guard !recovers else { return }
    guard header.statSN == expStatSN else {
      throw .statSN(expected: expStatSN.rawValue, found: header.statSN.rawValue)
    }
    status.advance()
  }

  /// How a write's first bytes travel: with the command, then unsolicited, the rest when asked for.
  ///
  /// Source: RFC 7143, 4.2.5.2, 13.10, 13.11 and 13.14.
  package func unsolicitedLengths(
    expectedLength: UInt32
  ) -> (immediate: UInt32, unsolicited: UInt32) {
    let firstBurst = min(parameters.firstBurstLength, expectedLength)
    let immediate =
      parameters.immediateData ? min(firstBurst, parameters.maxXmitDataSegmentLength) : 0
    return (immediate, parameters.initialR2T ? 0 : firstBurst - immediate)
  }
}
