/// What the caller of a login machine is to do.
package enum LoginAction: Equatable, Sendable {
  /// Send this and wait for the response.
  case send(ProtocolDataUnit)
  /// The connection is in full feature phase; digests apply from the next PDU on.
  case completed(LoginResult)
  /// Close the connection and log in at one of `portals`, with TSIH 0.
  case redirected(portals: [Portal], isTemporary: Bool)
}
