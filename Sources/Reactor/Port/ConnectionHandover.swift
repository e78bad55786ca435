package import ISCSI
package import LinuxIO
package import Wire

/// A logged-in connection on its way from the control plane, which made it, to the reactor.
///
/// Ownership of the socket moves with it. The same message starts a session and, after a loss,
/// takes it up again (same handle): then the parked tasks are sent again. A further connection of a
/// session comes with another.
package struct ConnectionHandover: ~Copyable, Sendable {
  /// A connected, non-blocking stream socket.
  package var socket: OwnedDescriptor
  package var connectionID: UInt16
  package var parameters: NegotiatedParameters
  /// The CmdSN of the next non-immediate command (that of the login).
  package var cmdSN: SerialNumber
  /// The StatSN expected next.
  package var expStatSN: SerialNumber
  package var expCmdSN: SerialNumber
  package var maxCmdSN: SerialNumber
  /// Bytes that arrived behind the last Login Response.
  package var earlyBytes: [UInt8]
  package var timeouts: SessionTimeouts
  /// What was said in the login, for the session's statistics and for who captures it.
  package var loginPDUs: [LoginPDU] = []
  /// LUNs' commands wait for `ReactorPort.resume`; the control plane's are sent.
  package var isHeld = false

  package init(
    socket: consuming OwnedDescriptor,
    connectionID: UInt16,
    parameters: NegotiatedParameters,
    cmdSN: SerialNumber,
    expStatSN: SerialNumber,
    expCmdSN: SerialNumber,
    maxCmdSN: SerialNumber,
    earlyBytes: [UInt8],
    timeouts: SessionTimeouts
  ) {
    self.socket = socket
    self.connectionID = connectionID
    self.parameters = parameters
    self.cmdSN = cmdSN
    self.expStatSN = expStatSN
    self.expCmdSN = expCmdSN
    self.maxCmdSN = maxCmdSN
    self.earlyBytes = earlyBytes
    self.timeouts = timeouts
  }
}
