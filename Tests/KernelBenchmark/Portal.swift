/// Where the guest reaches the target.
struct Portal: CustomStringConvertible, Sendable {
  let address: String
  let port: UInt16
  let target: String
  /// Whether the target knows itself by this address.
  let isAnnounced: Bool

  var description: String { "\(address):\(port)" }
}
