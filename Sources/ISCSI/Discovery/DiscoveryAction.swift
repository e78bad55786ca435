/// What the caller of a discovery machine is to do.
package enum DiscoveryAction: Equatable, Sendable {
  case send(ProtocolDataUnit)
  /// Nothing to send; more is to come.
  case wait
  /// The target agreed to the end: close the connection.
  case completed([DiscoveredTarget])
}
