/// How many sessions and commands a target gets.
///
/// Source: the keys `node.session.*` and `node.conn[0].tcp.*`.
package struct SessionSettings: Equatable, Sendable {
  package var sessionCount: UInt32 = 0
  /// Commands a session may have outstanding; a power of two.
  package var commandsMax: UInt32 = 128
  /// Commands a logical unit may have outstanding, on each thread that serves requests.
  package var queueDepth: UInt32 = 32
  /// Attempts before the first login is given up; 0 tries for as long as it is wanted, where
  /// open-iscsi has 8.
  package var initialLoginRetryMax: UInt32 = 0
  /// Attempts to bring a lost session back; 0 tries for ever.
  package var reopenMax: UInt32 = 0
  /// SO_RCVBUF and SO_SNDBUF of the connection; 0 leaves both to the kernel.
  package var tcpWindowBytes: UInt32 = 0
  /// IP_TOS of the connection.
  package var typeOfService: UInt32 = 0

  package init() {}
}
