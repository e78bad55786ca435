/// How near a numeric address is to this machine.
///
/// Source: RFC 6890; RFC 4291, 2.4.
enum AddressScope: Equatable {
  /// No place where a peer can be: the unspecified address, multicast, broadcast, reserved.
  case nowhere
  case loopback
  case link
  case elsewhere

  /// - Parameter host: an address as `inet_ntop` writes it, a zone after `%` or not.
  init(of host: String) {
    let text = (host.split(separator: "%").first ?? "").lowercased()
    // An IPv4 address in IPv6's clothes is what it is.
    let mapped = text.hasPrefix("::ffff:") ? String(text.dropFirst(7)) : text
    let bytes = mapped.split(separator: ".", omittingEmptySubsequences: false).map { UInt8($0) }
    if bytes.count == 4, let first = bytes[0], let second = bytes[1] {
      self =
        switch (first, second) {
        case (0, _), (224..., _): .nowhere
        case (127, _): .loopback
        case (169, 254): .link
        default: .elsewhere
        }
      return
    }
    let head = text.split(separator: ":", omittingEmptySubsequences: false).first ?? ""
    let group = UInt16(head, radix: 16) ?? 0
    self =
      switch (text, group) {
      case ("::", _), (_, 0xFF00...): .nowhere
      case ("::1", _): .loopback
      case (_, 0xFE80...0xFEBF): .link
      default: .elsewhere
      }
  }

  /// Whether a target reached at this scope may send us to an address of `other`.
  ///
  /// A target sends us no nearer to ourselves than it is: what listens on this machine or beside it
  /// trusts where connections come from.
  func maySend(to other: AddressScope) -> Bool {
    switch other {
    case .nowhere: false
    case .elsewhere: true
    case .link: self == .link || self == .loopback
    case .loopback: self == .loopback
    }
  }
}
