package import Wire

/// The numbers of a session's commands: CmdSN and the window the target has opened for it.
///
/// One for all connections of a session: a command is numbered once, whichever carries it, and any
/// PDU of the target moves the window. A value without time or memory: the caller hands it every
/// header that arrives and asks it for the number of every command it sends.
/// Source: RFC 7143, 4.2.2.1.
package struct CommandWindow: BitwiseCopyable, Sendable {
  /// The number of the next non-immediate command.
  package private(set) var cmdSN: SerialNumber
  /// The command the target expects next, as far as it told us.
  package private(set) var expCmdSN: SerialNumber
  /// The last command the target has room for.
  package private(set) var maxCmdSN: SerialNumber

  package init(cmdSN: SerialNumber, expCmdSN: SerialNumber, maxCmdSN: SerialNumber) {
    self.cmdSN = cmdSN
    self.expCmdSN = expCmdSN
    self.maxCmdSN = maxCmdSN
  }

  /// True when the target has room for another non-immediate command.
  ///
  /// A MaxCmdSN exactly half a turn away is neither before nor after CmdSN, and opens nothing.
  package var isOpen: Bool { maxCmdSN.distance(from: cmdSN) >= 0 }

  /// Takes the number for a non-immediate command about to be sent; traps when the window is
  /// closed.
  package mutating func numberCommand() -> SerialNumber {
    precondition(isOpen, "a command is numbered only inside the window")
    let number = cmdSN
    cmdSN = cmdSN.successor
    return number
  }

  /// Takes the window from any PDU of the target; values that go backwards are ignored.
  ///
  /// PDUs of several connections come in any order, so that an older one may be looked at later.
  /// Source: RFC 7143, 4.2.2.1: a MaxCmdSN below ExpCmdSN - 1 says nothing, and of late values
  /// only the larger counts.
  package mutating func update(from header: BasicHeaderSegment) {
    update(expCmdSN: header.expCmdSN, maxCmdSN: header.maxCmdSN)
  }

  /// The same for numbers a login has brought.
  package mutating func update(
    expCmdSN newExpected: SerialNumber, maxCmdSN newMaximum: SerialNumber
  ) {
    guard !newMaximum.successor.precedes(newExpected) else { return }
    if expCmdSN.precedes(newExpected) { expCmdSN = newExpected }
    if maxCmdSN.precedes(newMaximum) { maxCmdSN = newMaximum }
  }
}
