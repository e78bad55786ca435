/// Where a target listens: a host, a TCP port and the portal group they belong to.
///
/// Source: RFC 7143, 13.8 (TargetAddress).
package struct Portal: Hashable, Sendable, CustomStringConvertible {
  /// The port when none is written.
  package static let defaultPort: UInt16 = 3260

  /// A name, an IPv4 address, or an IPv6 address without brackets.
  package var host: String
  package var port: UInt16
  package var targetPortalGroupTag: UInt16?

  package init(host: String, port: UInt16 = defaultPort, targetPortalGroupTag: UInt16? = nil) {
    self.host = host
    self.port = port
    self.targetPortalGroupTag = targetPortalGroupTag
  }

  /// Reads `host[:port][,tag]`, where host is a name, an IPv4 address or `[IPv6]`.
  ///
  /// An IPv6 address without brackets is taken for one without a port.
  /// - Parameter allowsScope: take `[fe80::1%eth0]`; right for what a person of this machine
  ///   wrote, never for what a target said.
  package init(parsing text: String, allowsScope: Bool = false) throws(PortalError) {
    let parts = text.split(separator: ",", omittingEmptySubsequences: false)
    guard parts.count <= 2, let address = parts.first else {
      throw .targetPortalGroupTag(text)
    }
    if parts.count == 2 {
      guard let tag = Self.decimal(parts[1]) else { throw .targetPortalGroupTag(text) }
      targetPortalGroupTag = tag
    } else {
      targetPortalGroupTag = nil
    }
    let (hostText, portText) = try Self.split(address)
    if let portText {
      guard let number = Self.decimal(portText), number > 0 else { throw .port(text) }
      port = number
    } else {
      port = Self.defaultPort
    }
    host = String(hostText)
    if host.utf8.contains(UInt8(ascii: ":")) {
      let scope = host.split(separator: "%", maxSplits: 1, omittingEmptySubsequences: false)
      guard scope.count == 1 || allowsScope else { throw .scoped(text) }
      guard IPv6Text.isAddress(scope[0]), scope.count == 1 || Self.isZone(scope[1]) else {
        throw .host(text)
      }
    } else {
      guard Self.isName(hostText) else { throw .host(text) }
    }
  }

  /// `host:port` as sockets and people take it, without the tag.
  package var address: String {
    host.utf8.contains(UInt8(ascii: ":")) ? "[\(host)]:\(port)" : "\(host):\(port)"
  }

  /// `host:port,tag`, or without the tag when it is not known.
  package var description: String {
    if let targetPortalGroupTag { "\(address),\(targetPortalGroupTag)" } else { address }
  }

  /// Host and port text, the brackets gone.
  private static func split(
    _ address: Substring
  ) throws(PortalError) -> (host: Substring, port: Substring?) {
    if address.first == "[" {
      guard let close = address.firstIndex(of: "]") else { throw .host(String(address)) }
      let host = address[address.index(after: address.startIndex)..<close]
      guard host.utf8.contains(UInt8(ascii: ":")) else { throw .host(String(address)) }
      let rest = address[address.index(after: close)...]
      if rest.isEmpty { return (host, nil) }
      guard rest.first == ":" else { throw .port(String(address)) }
      return (host, rest.dropFirst())
    }
    let colons = address.utf8.count { $0 == UInt8(ascii: ":") }
    guard colons == 1, let colon = address.firstIndex(of: ":") else { return (address, nil) }
    return (address[..<colon], address[address.index(after: colon)...])
  }

  /// One to five decimal digits of a 16-bit number.
  private static func decimal(_ text: Substring) -> UInt16? {
    guard (1...5).contains(text.utf8.count),
      text.utf8.allSatisfy({ (0x30...0x39).contains($0) })
    else { return nil }
    return UInt16(text)
  }

  /// An interface's name or number; the kernel's names end at IF_NAMESIZE - 1 bytes.
  private static func isZone(_ text: Substring) -> Bool {
    text.utf8.count <= 15 && isName(text)
  }

  /// Letters, digits, `-`, `.` and `_`, at most 255 bytes, and no label that could be an option.
  private static func isName(_ text: Substring) -> Bool {
    guard (1...255).contains(text.utf8.count), text.first != "-", text.first != "." else {
      return false
    }
    return text.utf8.allSatisfy { byte in
      (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte)
        || (0x61...0x7A).contains(byte) || "-._".utf8.contains(byte)
    }
  }
}
