/// The eight-byte LUN structure that addresses a logical unit, as one big-endian number.
///
/// A target's own LUNs are kept as it reported them and sent back bit for bit; only the short
/// `name` forgets the addressing method. Equality therefore compares all 64 bits.
/// Source: SAM-5, 4.7 (LUN structures); 4.7.6 (peripheral device), 4.7.7 (flat space).
package struct LogicalUnitNumber: RawRepresentable, BitwiseCopyable, Hashable, Sendable {
  package var rawValue: UInt64

  @inlinable
  package init(rawValue: UInt64) {
    self.rawValue = rawValue
  }

  /// The single-level LUN with this number: peripheral device addressing below 256, then flat.
  ///
  /// Traps for 16384 and above, which fourteen bits of flat space cannot hold.
  @inlinable
  package init(number: UInt16) {
    precondition(number < Self.flatSpaceLimit, "a flat space LUN has 14 bits")
    let flatSpace: UInt64 = number < 256 ? 0 : 0x4000
    self.init(rawValue: (flatSpace | UInt64(number)) << 48)
  }

  /// LUN 0, which every target answers REPORT LUNS and INQUIRY on (SAM-5, 4.7.4).
  @inlinable
  package static var zero: LogicalUnitNumber { LogicalUnitNumber(rawValue: 0) }

  /// One more than the greatest number flat space addressing can express.
  @inlinable
  package static var flatSpaceLimit: UInt16 { 1 << 14 }

  /// The number people know the LUN by, or nil for any LUN structure but the two simplest.
  ///
  /// Those are peripheral device addressing on bus 0 and flat space addressing, with one level.
  package var number: Int? {
    guard rawValue & 0x0000_FFFF_FFFF_FFFF == 0 else { return nil }
    let level = UInt16(truncatingIfNeeded: rawValue >> 48)
    switch level >> 14 {
    case 0b00: return level < 256 ? Int(level) : nil
    case 0b01: return Int(level & 0x3FFF)
    default: return nil
    }
  }
}

extension LogicalUnitNumber {
  /// The peripheral device form of a flat space LUN below 256, and every other LUN as it is.
  ///
  /// Both forms have one number and one name.
  var peripheralForm: LogicalUnitNumber {
    guard let number, number < 256 else { return self }
    return LogicalUnitNumber(rawValue: UInt64(number) << 48)
  }

  /// The number in decimal, or `0x` and sixteen hexadecimal digits for a LUN that has none.
  ///
  /// A flat space LUN below 256 shares its name with the peripheral device form: one logical unit
  /// has one LUN, so a target reports only one of the two.
  package var name: String {
    if let number { return String(number) }
    let digits = String(rawValue, radix: 16)
    return "0x" + String(repeating: "0", count: 16 - digits.count) + digits
  }

  /// The LUN called `name`, in the form `init(number:)` gives; nil when no LUN has this `name`.
  ///
  /// Only the spelling of `name` is accepted: no sign, no leading zero, lower-case digits.
  package init?(name: String) {
    let candidate: LogicalUnitNumber
    if name.hasPrefix("0x") {
      guard let rawValue = UInt64(name.dropFirst(2), radix: 16) else { return nil }
      candidate = LogicalUnitNumber(rawValue: rawValue)
    } else {
      guard let number = UInt16(name), number < Self.flatSpaceLimit else { return nil }
      candidate = LogicalUnitNumber(number: number)
    }
    guard candidate.name == name else { return nil }
    self = candidate
  }
}
