/// The text form of IPv6 addresses.
///
/// Source: RFC 4291, 2.2.
enum IPv6Text {
  /// True when `text` is an address: eight groups, or fewer around one `::`, the last two perhaps
  /// as an IPv4 address.
  static func isAddress(_ text: some StringProtocol) -> Bool {
    let bytes = Array(text.utf8)
    guard (2...45).contains(bytes.count) else { return false }
    let colon = UInt8(ascii: ":")
    guard
      let gap = bytes.indices.dropLast().first(where: {
        bytes[$0] == colon && bytes[$0 + 1] == colon
      })
    else {
      return groupCount(of: bytes[...], mayEndInIPv4: true) == 8
    }
    guard let before = groupCount(of: bytes[..<gap], mayEndInIPv4: false),
      let after = groupCount(of: bytes[(gap + 2)...], mayEndInIPv4: true)
    else { return false }
    return before + after <= 7
  }

  /// How many 16-bit groups `bytes` are; nil when they are none, zero when there are no bytes.
  private static func groupCount(of bytes: ArraySlice<UInt8>, mayEndInIPv4: Bool) -> Int? {
    if bytes.isEmpty { return 0 }
    let groups = bytes.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
    var count = 0
    for (index, group) in groups.enumerated() {
      if (1...4).contains(group.count), group.allSatisfy(isHexadecimalDigit) {
        count += 1
      } else if mayEndInIPv4, index == groups.count - 1, isIPv4(group) {
        count += 2
      } else {
        return nil
      }
    }
    return count
  }

  private static func isIPv4(_ bytes: ArraySlice<UInt8>) -> Bool {
    let parts = bytes.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
    return parts.count == 4
      && parts.allSatisfy { part in
        (1...3).contains(part.count) && UInt8(String(decoding: part, as: UTF8.self)) != nil
          && part.allSatisfy { (0x30...0x39).contains($0) }
      }
  }

  private static func isHexadecimalDigit(_ byte: UInt8) -> Bool {
    (0x30...0x39).contains(byte) || (0x41...0x46).contains(byte)
      || (0x61...0x66).contains(byte)
  }
}
