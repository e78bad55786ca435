package import Wire

/// The numbers of a one-connection session in full feature phase: CmdSN, its window, StatSN.
///
/// A value without time or memory: the caller hands it every header that arrives, in order, and
/// asks it for the numbers of every PDU it sends.
/// Source: RFC 7143, 4.2.2.
package struct FullFeatureMachine: BitwiseCopyable, Sendable {
  /// What the login agreed on, and the target has declared since.
  package private(set) var parameters: NegotiatedParameters
  /// The number of the next non-immediate command.
  package private(set) var cmdSN: SerialNumber
  /// The command the target expects next, as far as it told us.
  package private(set) var expCmdSN: SerialNumber
  /// The last command the target has room for.
  package private(set) var maxCmdSN: SerialNumber
  /// Which status numbers have come.
  package var status: StatusWindow

  package init(
    parameters: NegotiatedParameters,
    cmdSN: SerialNumber,
    expCmdSN: SerialNumber,
    maxCmdSN: SerialNumber,
    expStatSN: SerialNumber
  ) {
    self.parameters = parameters
    self.cmdSN = cmdSN
    self.expCmdSN = expCmdSN
    self.maxCmdSN = maxCmdSN
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

  /// True when the target has room for another non-immediate command.
  ///
  /// A MaxCmdSN exactly half a turn away is neither before nor after CmdSN, and opens nothing.
  package var isWindowOpen: Bool { maxCmdSN.distance(from: cmdSN) >= 0 }

  /// Takes the number for a non-immediate command about to be sent; traps when the window is
  /// closed.
  package mutating func numberCommand() -> SerialNumber {
    precondition(isWindowOpen, "a command is numbered only inside the window")
    let number = cmdSN
    cmdSN = cmdSN.successor
    return number
  }

  /// Takes the window from any PDU of the target; values that go backwards are ignored.
  ///
  /// Source: RFC 7143, 4.2.2.1: a MaxCmdSN below ExpCmdSN - 1 says nothing, and of late values
  /// only the larger counts.
  package mutating func updateWindow(from header: BasicHeaderSegment) {
    let newExpected = header.expCmdSN
    let newMaximum = header.maxCmdSN
    guard !newMaximum.successor.precedes(newExpected) else { return }
    if expCmdSN.precedes(newExpected) { expCmdSN = newExpected }
    if maxCmdSN.precedes(newMaximum) { maxCmdSN = newMaximum }
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
