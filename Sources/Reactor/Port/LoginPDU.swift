/// A PDU of the login that made a connection, its secrets masked, for who captures the session.
package struct LoginPDU: Equatable, Sendable {
  package var isSent: Bool
  /// As on the wire, without digests.
  package var bytes: [UInt8]

  package init(isSent: Bool, bytes: [UInt8]) {
    self.isSent = isSent
    self.bytes = bytes
  }
}
