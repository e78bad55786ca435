/// How the logout of one connection of a session ended.
package enum ConnectionClosing: Equatable, Sendable {
  /// The target has closed it; what it did not answer is sent again on another.
  case closed
  /// The session was lost over it, or meanwhile.
  case sessionLost
  /// The session is not logged in, or has no connection with this CID.
  case notConnected
  /// The session has no other that could carry its commands.
  case isLast
}
