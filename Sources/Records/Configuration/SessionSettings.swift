/// How many sessions and commands a target gets.
///
/// Source: the keys `node.session.*` and `node.conn[0].tcp.*`.
package struct SessionSettings: Equatable, Sendable {
  package var sessionCount: UInt32 = 0
  /// Commands a session may have outstanding; a power of two.
  package var commandsMax: UInt32 = 128
  /// Commands a logical unit may have outstanding.
  package var queueDepth: UInt32 = 32
  /// Login attempts before the first login of a session is given up.
  package var initialLoginRetryMax: UInt32 = 8
  /// Attempts to bring a lost session back; 0 tries for ever.
  package var reopenMax: UInt32 = 0
  /// SO_RCVBUF and SO_SNDBUF of the connection; 0 leaves both to the kernel.
  package var tcpWindowBytes: UInt32 = 0
  /// IP_TOS of the connection.
  package var typeOfService: UInt32 = 0

  package init() {}
}
