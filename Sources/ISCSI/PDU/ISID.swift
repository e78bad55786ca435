/// The initiator's half of a session's name: six bytes, constant for the life of the session and
/// used again to reinstate it.
///
/// Source: RFC 7143, 11.12.5.
package struct ISID: BitwiseCopyable, Hashable, Sendable, CustomStringConvertible {
  /// The 48 bits; the top two are the type.
  package let rawValue: UInt64

  package init(rawValue: UInt64) {
    precondition(rawValue < 1 << 48, "an ISID has six bytes")
    self.rawValue = rawValue
  }

  /// A random-type ISID (T = 10b): 24 random bits name the initiator, `qualifier` the session.
  package init(random: UInt32, qualifier: UInt16) {
    rawValue = 0x80 << 40 | UInt64(random & 0x00FF_FFFF) << 16 | UInt64(qualifier)
  }

  /// Twelve hexadecimal digits, as sysfs prints it.
  package var description: String {
    let digits = String(rawValue, radix: 16)
    return String(repeating: "0", count: 12 - digits.count) + digits
  }
}
