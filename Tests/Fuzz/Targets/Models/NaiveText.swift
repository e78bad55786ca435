import ISCSI

/// Key=value text read the obvious way.
///
/// Source: RFC 7143, 6.1.
enum NaiveText {
  private static let keyBytes = Set(
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-+@_#/".utf8)

  /// Every pair of `bytes`, or nil when one record is not a pair or there are too many.
  static func parameters(of bytes: [UInt8]) -> [TextParameter]? {
    var parameters: [TextParameter] = []
    for record in bytes.split(separator: 0) {
      guard let parameter = parameter(of: record) else { return nil }
      parameters.append(parameter)
      if parameters.count > 1_000 { return nil }
    }
    return parameters
  }

  static func parameter(of record: ArraySlice<UInt8>) -> TextParameter? {
    let halves = record.split(
      separator: UInt8(ascii: "="), maxSplits: 1, omittingEmptySubsequences: false)
    guard halves.count == 2, (1...63).contains(halves[0].count),
      halves[0].allSatisfy(keyBytes.contains), halves[1].count <= 8_191
    else { return nil }
    return TextParameter(
      String(decoding: halves[0], as: UTF8.self), String(decoding: halves[1], as: UTF8.self))
  }

  /// A number of up to 32 digits that has 64 bits.
  static func number(_ text: Substring) -> UInt64? {
    var digits = Array(text.utf8)
    let isHexadecimal =
      digits.count > 2 && digits[0] == UInt8(ascii: "0")
      && (digits[1] == UInt8(ascii: "x") || digits[1] == UInt8(ascii: "X"))
    if isHexadecimal { digits.removeFirst(2) }
    let allowed = Array((isHexadecimal ? "0123456789abcdefABCDEF" : "0123456789").utf8)
    guard (1...32).contains(digits.count), digits.allSatisfy(allowed.contains) else { return nil }
    return UInt64(String(decoding: digits, as: UTF8.self), radix: isHexadecimal ? 16 : 10)
  }

  /// The bytes of a binary-value.
  static func binary(_ value: String) -> [UInt8]? {
    let bytes = Array(value.utf8)
    guard bytes.count > 2, bytes[0] == UInt8(ascii: "0") else { return nil }
    switch bytes[1] {
    case UInt8(ascii: "x"), UInt8(ascii: "X"): return NaiveBytes.hexadecimal(Array(bytes[2...]))
    case UInt8(ascii: "b"), UInt8(ascii: "B"): return NaiveBytes.base64(Array(bytes[2...]))
    default: return nil
    }
  }

  /// The bytes an escaped text stands for.
  static func unescaped(_ text: String) -> [UInt8]? {
    var bytes: [UInt8] = []
    var rest = Array(text.utf8)[...]
    while let byte = rest.popFirst() {
      guard byte == UInt8(ascii: "\\") else {
        bytes.append(byte)
        continue
      }
      guard let kind = rest.popFirst() else { return nil }
      if kind == UInt8(ascii: "\\") {
        bytes.append(kind)
      } else {
        guard kind == UInt8(ascii: "x"), let pair = NaiveBytes.hexadecimal(Array(rest.prefix(2)))
        else { return nil }
        bytes += pair
        rest = rest.dropFirst(2)
      }
    }
    return bytes
  }
}
