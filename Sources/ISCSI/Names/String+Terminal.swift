/// Text from a peer, made safe to show.
extension String {
  /// This text with everything but printable ASCII as `\xNN`, and `\` doubled.
  ///
  /// What a target sends can then neither move a cursor nor break a log line.
  package var escapedForTerminal: String {
    var bytes: [UInt8] = []
    for byte in utf8 {
      switch byte {
      case UInt8(ascii: "\\"): bytes += [byte, byte]
      case 0x20...0x7E: bytes.append(byte)
      default:
        bytes += "\\x".utf8
        bytes += byte.hexadecimalDigits
      }
    }
    return String(decoding: bytes, as: UTF8.self)
  }

  /// The first 64 characters, escaped, for an error's sentence.
  package var excerpt: String {
    let start = String(prefix(64)).escapedForTerminal
    return start.utf8.count > 256 || utf8.count > 256 ? String(start.prefix(256)) + "..." : start
  }
}

extension UInt8 {
  /// The two upper-case hexadecimal digits.
  package var hexadecimalDigits: [UInt8] {
    let digits = Array("0123456789ABCDEF".utf8)
    return [digits[Int(self >> 4)], digits[Int(self & 0x0F)]]
  }
}
