/// What a value says, by the type RFC 7143 gives the key.
extension TextParameter {
  /// The words that stand for "no value agreed" in an answer (RFC 7143, 6.2).
  package enum Refusal: String, Sendable {
    case reject = "Reject"
    case irrelevant = "Irrelevant"
    case notUnderstood = "NotUnderstood"
  }

  /// The refusal this value is, if it is one.
  package var refusal: Refusal? { Refusal(rawValue: value) }

  /// A boolean-value: exactly `Yes` or `No`.
  package func boolean() throws(TextError) -> Bool {
    switch value {
    case "Yes": true
    case "No": false
    default: throw .notBoolean(key: key, value: value)
    }
  }

  /// A numerical-value of at most 64 bits: decimal, or hexadecimal after `0x`.
  ///
  /// Leading zeros are accepted and leave a decimal number decimal.
  package func number(in allowed: ClosedRange<UInt64>) throws(TextError) -> UInt64 {
    guard let number = Self.number(value[...]) else { throw .notNumber(key: key, value: value) }
    guard allowed.contains(number) else {
      throw .outOfRange(key: key, value: number, allowed: allowed)
    }
    return number
  }

  /// A numeric-range: two numbers joined by `~`, the first not above the second.
  package func numberRange() throws(TextError) -> ClosedRange<UInt64> {
    let ends = value.split(separator: "~", omittingEmptySubsequences: false)
    guard ends.count == 2, let low = Self.number(ends[0]), let high = Self.number(ends[1]),
      low <= high
    else { throw .notNumber(key: key, value: value) }
    return low...high
  }

  /// A list-of-values: what stands between the commas, in order of preference.
  package func list() -> [String] {
    value.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
  }

  /// A binary-value: `0x` and pairs of hexadecimal digits, or `0b` and base64.
  ///
  /// Base64 may lack its padding; bits left over at its end must be zero. The length is checked
  /// before anything is decoded.
  /// - Parameter maximumByteCount: the most bytes the value may stand for.
  package func binary(maximumByteCount: Int) throws(TextError) -> [UInt8] {
    let digits = Array(value.utf8.dropFirst(2))
    guard !digits.isEmpty else { throw .malformedBinary(key: key) }
    switch value.prefix(2) {
    case "0x", "0X":
      guard digits.count / 2 <= maximumByteCount else {
        throw .binaryTooLong(key: key, limit: maximumByteCount)
      }
      guard let bytes = Self.hexadecimal(digits) else { throw .malformedBinary(key: key) }
      return bytes
    case "0b", "0B":
      guard digits.count / 4 * 3 <= maximumByteCount + 2 else {
        throw .binaryTooLong(key: key, limit: maximumByteCount)
      }
      guard let bytes = Self.base64(digits) else { throw .malformedBinary(key: key) }
      guard bytes.count <= maximumByteCount else {
        throw .binaryTooLong(key: key, limit: maximumByteCount)
      }
      return bytes
    default: throw .malformedBinary(key: key)
    }
  }

  /// Bytes as a hexadecimal binary-value.
  package static func hexadecimal(of bytes: some Sequence<UInt8>) -> String {
    let digits = Array("0123456789abcdef".utf8)
    var text = Array("0x".utf8)
    for byte in bytes {
      text.append(digits[Int(byte >> 4)])
      text.append(digits[Int(byte & 0x0F)])
    }
    return String(decoding: text, as: UTF8.self)
  }

  private static func number(_ text: Substring) -> UInt64? {
    let bytes = Array(text.utf8)
    let isHexadecimal = bytes.count > 2 && bytes[0] == UInt8(ascii: "0") && bytes[1] | 0x20 == 0x78
    let digits = isHexadecimal ? bytes[2...] : bytes[...]
    guard (1...32).contains(digits.count) else { return nil }
    var number: UInt64 = 0
    for digit in digits {
      guard let value = nibble(digit), isHexadecimal || value < 10 else { return nil }
      let (product, overflow) = number.multipliedReportingOverflow(by: isHexadecimal ? 16 : 10)
      let (sum, carry) = product.addingReportingOverflow(UInt64(value))
      guard !overflow, !carry else { return nil }
      number = sum
    }
    return number
  }

  private static func hexadecimal(_ digits: [UInt8]) -> [UInt8]? {
    guard digits.count % 2 == 0 else { return nil }
    var bytes: [UInt8] = []
    bytes.reserveCapacity(digits.count / 2)
    for index in stride(from: 0, to: digits.count, by: 2) {
      guard let high = nibble(digits[index]), let low = nibble(digits[index + 1]) else {
        return nil
      }
      bytes.append(high << 4 | low)
    }
    return bytes
  }

  private static func base64(_ text: [UInt8]) -> [UInt8]? {
    let padding = text.reversed().prefix { $0 == UInt8(ascii: "=") }.count
    let digits = text.dropLast(padding)
    guard padding <= 2, padding == 0 || text.count % 4 == 0, digits.count % 4 != 1,
      !digits.isEmpty
    else { return nil }
    var bytes: [UInt8] = []
    bytes.reserveCapacity(digits.count / 4 * 3 + 2)
    var bits: UInt32 = 0
    var bitCount = 0
    for digit in digits {
      guard let value = sextet(digit) else { return nil }
      bits = bits << 6 | value
      bitCount += 6
      if bitCount >= 8 {
        bitCount -= 8
        bytes.append(UInt8(truncatingIfNeeded: bits >> UInt32(bitCount)))
        bits &= 1 << UInt32(bitCount) - 1
      }
    }
    return bits == 0 ? bytes : nil
  }

  private static func nibble(_ digit: UInt8) -> UInt8? {
    switch digit {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): digit - UInt8(ascii: "0")
    case UInt8(ascii: "a")...UInt8(ascii: "f"): digit - UInt8(ascii: "a") + 10
    case UInt8(ascii: "A")...UInt8(ascii: "F"): digit - UInt8(ascii: "A") + 10
    default: nil
    }
  }

  private static func sextet(_ digit: UInt8) -> UInt32? {
    switch digit {
    case UInt8(ascii: "A")...UInt8(ascii: "Z"): UInt32(digit - UInt8(ascii: "A"))
    case UInt8(ascii: "a")...UInt8(ascii: "z"): UInt32(digit - UInt8(ascii: "a")) + 26
    case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt32(digit - UInt8(ascii: "0")) + 52
    case UInt8(ascii: "+"): 62
    case UInt8(ascii: "/"): 63
    default: nil
    }
  }
}
