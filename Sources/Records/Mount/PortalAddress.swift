/// Where a target listens: a host name or address, and a TCP port.
package struct PortalAddress: Hashable, Sendable {
  /// IANA's port for iSCSI. Source: RFC 7143, 15.
  package static let standardPort: UInt16 = 3260

  /// A name, an IPv4 address, or an IPv6 address without brackets, with its `%scope` if any.
  package var host: String
  package var port: UInt16

  package init(host: String, port: UInt16 = PortalAddress.standardPort) {
    self.host = host
    self.port = port
  }

  /// Reads `host[:port]`, `[v6]:port` or a bare IPv6 address.
  package init(parsing text: String) throws(MountSourceError) {
    if text.hasPrefix("[") {
      guard let end = text.lastIndex(of: "]") else { throw .badPortal(text, .openBracket) }
      host = String(text[text.index(after: text.startIndex)..<end])
      port = try PortalAddress.port(in: text[text.index(after: end)...], of: text)
    } else if text.count(where: { $0 == ":" }) > 1 {
      host = text
      port = PortalAddress.standardPort
    } else {
      let colon = text.firstIndex(of: ":") ?? text.endIndex
      host = String(text[..<colon])
      port = try PortalAddress.port(in: text[colon...], of: text)
    }
    guard PortalAddress.isHost(host) else { throw .badPortal(text, .host) }
  }

  private static func port(
    in tail: Substring, of text: String
  ) throws(MountSourceError) -> UInt16 {
    if tail.isEmpty { return standardPort }
    guard tail.first == ":", let port = UInt16(tail.dropFirst()), port > 0 else {
      throw .badPortal(text, .port)
    }
    return port
  }

  /// True for what can be a host's name or address; whether it exists is asked later.
  static func isHost(_ text: String) -> Bool {
    guard let first = text.utf8.first, text.utf8.count <= 253, first != UInt8(ascii: "-") else {
      return false
    }
    let (address, scope) = splitScope(text)
    if address.contains(":") {
      return address.utf8.allSatisfy { isHexadecimal($0) || $0 == 0x3A || $0 == 0x2E }
        && (scope.map { isZone($0) } ?? true)
    }
    return scope == nil && address.utf8.allSatisfy(isNameByte)
  }

  /// An interface's name or number; the kernel's names end at IF_NAMESIZE - 1 bytes.
  private static func isZone(_ text: Substring) -> Bool {
    (1...15).contains(text.utf8.count) && text.utf8.allSatisfy(isNameByte)
  }

  private static func splitScope(_ text: String) -> (address: Substring, scope: Substring?) {
    guard let percent = text.firstIndex(of: "%") else { return (text[...], nil) }
    return (text[..<percent], text[text.index(after: percent)...])
  }

  private static func isHexadecimal(_ byte: UInt8) -> Bool {
    switch byte {
    case 0x30...0x39, 0x41...0x46, 0x61...0x66: true
    default: false
    }
  }

  /// Letters, digits, dash, dot, and the underscore that is in use.
  private static func isNameByte(_ byte: UInt8) -> Bool {
    switch byte {
    case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2D, 0x2E, 0x5F: true
    default: false
    }
  }
}

extension PortalAddress: CustomStringConvertible {
  package var description: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }
}
