import Crypto

/// The name an initiator goes by, in the form that is sent: lower case, no white space.
///
/// Source: RFC 7143, 4.2.7; RFC 3722 (of which only the ASCII part is taken: nobody was ever given
/// another name).
package struct InitiatorName: RawRepresentable, Hashable, Sendable {
  package let rawValue: String

  /// Refuses what no target would take.
  package init?(rawValue: String) { self.init(rawValue) }

  package init?(_ text: String) {
    let name = text.lowercased()
    guard ["iqn.", "eui.", "naa."].contains(where: name.hasPrefix), name.utf8.count > 4,
      name.utf8.count <= 223, name.utf8.allSatisfy(InitiatorName.isAllowed)
    else { return nil }
    rawValue = name
  }

  /// A name that stays the same for `machineID` and `userID` and gives neither away.
  ///
  /// The machine's id keys a hash, as machine-id(5) asks of everyone who derives an id from it.
  package static func generated(machineID: String, userID: UInt32) -> InitiatorName? {
    let key = SymmetricKey(data: Array(machineID.utf8))
    let code = HMAC<SHA256>.authenticationCode(
      for: Array("org.iscsifs initiator \(userID)".utf8), using: key)
    return generated(suffix: Array(code.prefix(6)))
  }

  /// A name made of six bytes, which are to be random and kept.
  package static func generated(suffix: [UInt8]) -> InitiatorName? {
    let digits = suffix.map { byte in
      (byte < 16 ? "0" : "") + String(byte, radix: 16)
    }
    return InitiatorName("iqn.2026-11.org.iscsifs:" + digits.joined())
  }

  /// Source: RFC 3722, 3.1 and 6.2: letters, digits, dash, dot and colon.
  private static func isAllowed(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
      UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: ":"):
      true
    default: false
    }
  }
}

extension InitiatorName: CustomStringConvertible {
  package var description: String { rawValue }
}
