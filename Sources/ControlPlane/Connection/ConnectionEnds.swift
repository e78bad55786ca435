/// The numeric addresses of a TCP connection's two ends.
struct ConnectionEnds: Equatable, Sendable {
  /// The peer.
  var address: String
  var port: UInt16
  var localAddress: String
  var localPort: UInt16
}
