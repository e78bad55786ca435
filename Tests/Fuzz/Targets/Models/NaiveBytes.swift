/// Bytes read the slow and obvious way, for models to be right where the program is fast.
enum NaiveBytes {
  /// `count` bytes at `offset` as a number, or nil where they do not all lie before `end`.
  static func number(_ bytes: [UInt8], _ offset: Int, _ count: Int, end: Int) -> UInt64? {
    guard offset + count <= min(end, bytes.count) else { return nil }
    return bytes[offset..<offset + count].reduce(0) { $0 * 256 + UInt64($1) }
  }

  /// CRC32C, one bit at a time.
  ///
  /// Source: RFC 7143, 13.1, whose polynomial is 11EDC6F41h, reflected 82F63B78h.
  static func crc32c(_ bytes: ArraySlice<UInt8>) -> UInt32 {
    var state: UInt32 = 0xFFFF_FFFF
    for byte in bytes {
      state ^= UInt32(byte)
      for _ in 0..<8 { state = state >> 1 ^ (state & 1 == 1 ? 0x82F6_3B78 : 0) }
    }
    return ~state
  }

  /// The bytes a base64 text stands for; nil for what RFC 4648, 4 does not define.
  ///
  /// Padding may be missing; bits left over must be zero.
  static func base64(_ text: [UInt8]) -> [UInt8]? {
    let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
    var digits = text
    while digits.last == UInt8(ascii: "=") { digits.removeLast() }
    let padding = text.count - digits.count
    guard !digits.isEmpty, digits.count % 4 != 1 else { return nil }
    guard padding == 0 || (padding == 4 - digits.count % 4 && digits.count % 4 != 0) else {
      return nil
    }
    var bits: [UInt8] = []
    for digit in digits {
      guard let value = alphabet.firstIndex(of: digit) else { return nil }
      for shift in (0..<6).reversed() { bits.append(UInt8(value >> shift & 1)) }
    }
    let byteCount = bits.count / 8
    guard bits[(byteCount * 8)...].allSatisfy({ $0 == 0 }) else { return nil }
    return (0..<byteCount).map { index in
      bits[index * 8..<index * 8 + 8].reduce(0) { $0 * 2 + $1 }
    }
  }

  /// The bytes pairs of hexadecimal digits stand for.
  static func hexadecimal(_ text: [UInt8]) -> [UInt8]? {
    guard !text.isEmpty, text.count % 2 == 0 else { return nil }
    var bytes: [UInt8] = []
    for index in stride(from: 0, to: text.count, by: 2) {
      let pair = String(decoding: text[index..<index + 2], as: UTF8.self)
      guard text[index] != UInt8(ascii: "+"), text[index] != UInt8(ascii: "-"),
        let byte = UInt8(pair, radix: 16)
      else { return nil }
      bytes.append(byte)
    }
    return bytes
  }
}
