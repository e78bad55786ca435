/// `key=value` text as login and Text PDUs carry it: pairs in order, each ended by a zero byte.
///
/// Its own reading of RFC 7143, 6.1: nothing is shared with the initiator's text code.
package struct KeyValueText: Equatable, Sendable {
  package struct Pair: Equatable, Sendable {
    package var key: String
    package var value: String

    package init(_ key: String, _ value: String) {
      self.key = key
      self.value = value
    }
  }

  package var pairs: [Pair]

  package init(_ pairs: [(String, String)] = []) {
    self.pairs = pairs.map { Pair($0.0, $0.1) }
  }

  /// Reads text; nil when a pair has no `=`, an empty or overlong key, or is not UTF-8.
  ///
  /// A last pair without its zero byte is taken, as everyone does.
  package init?(parsing bytes: [UInt8]) {
    pairs = []
    for piece in bytes.split(separator: 0) {
      guard let equals = piece.firstIndex(of: UInt8(ascii: "=")),
        equals > piece.startIndex, equals - piece.startIndex <= 63,
        let key = String(validating: piece[..<equals], as: UTF8.self),
        let value = String(validating: piece[(equals + 1)...], as: UTF8.self)
      else { return nil }
      pairs.append(Pair(key, value))
    }
  }

  /// The value of `key`, or nil.
  package subscript(key: String) -> String? {
    pairs.first { $0.key == key }?.value
  }

  package mutating func append(_ key: String, _ value: String) {
    pairs.append(Pair(key, value))
  }

  /// The bytes for a data segment.
  package var encoded: [UInt8] {
    pairs.flatMap { Array($0.key.utf8) + [UInt8(ascii: "=")] + Array($0.value.utf8) + [0] }
  }
}

extension String {
  /// The elements of a list value, in order of preference.
  var listElements: [String] { split(separator: ",").map(String.init) }

  /// A numerical value, decimal or 0x hexadecimal (RFC 7143, 6.1).
  var textNumber: UInt64? {
    if hasPrefix("0x") || hasPrefix("0X") { return UInt64(dropFirst(2), radix: 16) }
    guard !isEmpty, utf8.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }) else { return nil }
    return UInt64(self)
  }

  /// A binary value in 0x hexadecimal or 0b base64 (RFC 7143, 6.1).
  var textBytes: [UInt8]? {
    if hasPrefix("0x") || hasPrefix("0X") { return hexadecimalBytes(utf8.dropFirst(2)) }
    if hasPrefix("0b") || hasPrefix("0B") { return base64Bytes(utf8.dropFirst(2)) }
    return nil
  }

  private func hexadecimalBytes(_ digits: Substring.UTF8View) -> [UInt8]? {
    var bytes: [UInt8] = []
    var high: UInt8? = digits.count % 2 == 1 ? 0 : nil
    for digit in digits {
      guard let value = Character(UnicodeScalar(digit)).hexDigitValue else { return nil }
      if let nibble = high {
        bytes.append(nibble << 4 | UInt8(value))
        high = nil
      } else {
        high = UInt8(value)
      }
    }
    return bytes.isEmpty ? nil : bytes
  }

  private func base64Bytes(_ digits: Substring.UTF8View) -> [UInt8]? {
    var (bytes, bits, bitCount): ([UInt8], UInt32, Int) = ([], 0, 0)
    for digit in digits {
      let value: UInt8
      switch digit {
      case 0x41...0x5A: value = digit - 0x41
      case 0x61...0x7A: value = digit - 0x61 + 26
      case 0x30...0x39: value = digit - 0x30 + 52
      case 0x2B: value = 62
      case 0x2F: value = 63
      case 0x3D: continue
      default: return nil
      }
      bits = bits << 6 | UInt32(value)
      bitCount += 6
      if bitCount >= 8 {
        bitCount -= 8
        bytes.append(UInt8(truncatingIfNeeded: bits >> UInt32(bitCount)))
      }
    }
    return bytes.isEmpty ? nil : bytes
  }
}

extension [UInt8] {
  /// These bytes as a 0x hexadecimal value.
  var textValue: String {
    reduce("0x") { text, byte in
      text + (byte < 16 ? "0" : "") + String(byte, radix: 16)
    }
  }
}
