import Crypto

/// The name of an iSCSI node.
///
/// A *plain* name has one of the three standard forms and only characters RFC 3722 leaves as they
/// are in ASCII; its letters are held in lower case. Any other printable name is kept byte for
/// byte, because a target that calls itself so answers to nothing else, but it is not plain:
/// preparing characters beyond ASCII is left to whoever wrote the name.
/// Source: RFC 7143, 4.2.7; RFC 3722, 6.2.
package struct ISCSIName: Hashable, Sendable, CustomStringConvertible {
  /// The longest name, in bytes.
  package static let maximumByteCount = 223
  /// The longest name of a directory entry on Linux, in bytes (NAME_MAX).
  package static let maximumDirectoryNameByteCount = 255

  /// The name as it goes into TargetName and InitiatorName.
  package let value: String
  /// True for a well-formed iqn., eui. or naa. name.
  package let isPlain: Bool

  package init(_ text: String) throws(ISCSINameError) {
    guard !text.isEmpty else { throw .empty }
    guard text.utf8.count <= Self.maximumByteCount else {
      throw .tooLong(byteCount: text.utf8.count)
    }
    guard !text.unicodeScalars.contains(where: Self.isUnprintable) else { throw .unprintable }
    if let plain = Self.plainForm(of: text) {
      (value, isPlain) = (plain, true)
    } else {
      (value, isPlain) = (text, false)
    }
  }

  package var description: String { value.escapedForTerminal }

  /// Names are their bytes: two spellings Unicode holds equivalent are two targets.
  package static func == (left: ISCSIName, right: ISCSIName) -> Bool {
    left.value.utf8.elementsEqual(right.value.utf8)
  }

  package func hash(into hasher: inout Hasher) {
    hasher.combine(value)
  }

  /// One directory entry's name for this name.
  package var directoryName: String {
    isPlain ? value : Self.escapedDirectoryName(of: value)
  }

  /// One directory entry's name for any text: the name itself when plain, else with `%XX` for
  /// its first byte and for every byte a plain name could not have.
  ///
  /// The result is never empty, `.` or `..`, holds no `/`, control character or upper-case
  /// letter but the escapes', is at most 255 bytes long, and differs for different names. It
  /// contains `%` unless the name is plain, and plain names have none.
  package static func directoryName(of text: String) -> String {
    text.utf8.count <= maximumByteCount
      ? plainForm(of: text) ?? escapedDirectoryName(of: text)
      : escapedDirectoryName(of: text)
  }

  // MARK: - Forms

  /// The name in lower case if it has a standard form.
  private static func plainForm(of text: String) -> String? {
    let bytes = text.utf8.map { (0x41...0x5A).contains($0) ? $0 | 0x20 : $0 }
    guard bytes.count <= maximumByteCount, bytes.allSatisfy(isPlainByte) else { return nil }
    let rest = bytes.dropFirst(4)
    let isWellFormed =
      switch String(decoding: bytes.prefix(4), as: UTF8.self) {
      case "iqn.": isQualifiedName(rest)
      case "eui.": rest.count == 16 && rest.allSatisfy(isHexadecimalDigit)
      case "naa.": [16, 32].contains(rest.count) && rest.allSatisfy(isHexadecimalDigit)
      default: false
      }
    return isWellFormed ? String(decoding: bytes, as: UTF8.self) : nil
  }

  /// `yyyy-mm.` and a naming authority, then perhaps `:` and anything plain.
  private static func isQualifiedName(_ bytes: ArraySlice<UInt8>) -> Bool {
    let bytes = Array(bytes)
    guard bytes.count > 8, bytes[0...3].allSatisfy(isDigit), bytes[4] == UInt8(ascii: "-"),
      bytes[5...6].allSatisfy(isDigit), bytes[7] == UInt8(ascii: ".")
    else { return false }
    let month = (bytes[5] - UInt8(ascii: "0")) * 10 + (bytes[6] - UInt8(ascii: "0"))
    return (1...12).contains(month) && bytes[8] != UInt8(ascii: ":")
  }

  private static func escapedDirectoryName(of text: String) -> String {
    var escaped: [UInt8] = [UInt8(ascii: "%")]
    for (index, byte) in text.utf8.enumerated() {
      if index == 0 {
        escaped += byte.hexadecimalDigits
      } else if isPlainByte(byte) {
        escaped.append(byte)
      } else {
        escaped.append(UInt8(ascii: "%"))
        escaped += byte.hexadecimalDigits
      }
    }
    guard escaped.count > maximumDirectoryNameByteCount else {
      return String(decoding: escaped, as: UTF8.self)
    }
    // Too long for an entry: a start to recognise it by, and a digest that keeps it apart. No
    // other escaped name has `%%`.
    let digest = SHA256.hash(data: Array(text.utf8)).prefix(16).flatMap(\.hexadecimalDigits)
    var start = escaped.prefix(maximumDirectoryNameByteCount - 2 - digest.count)
    if let last = start.lastIndex(of: UInt8(ascii: "%")), start.endIndex - last < 3 {
      start = start[..<last]
    }
    return String(decoding: start + "%%".utf8 + digest, as: UTF8.self)
  }

  // MARK: - Characters

  private static func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }

  private static func isHexadecimalDigit(_ byte: UInt8) -> Bool {
    isDigit(byte) || (0x61...0x66).contains(byte)
  }

  /// Lower-case letters, digits, `-`, `.` and `:` (RFC 3722, 6.2).
  private static func isPlainByte(_ byte: UInt8) -> Bool {
    isDigit(byte) || (0x61...0x7A).contains(byte) || "-.:".utf8.contains(byte)
  }

  /// Controls of both sets, and what stands for bytes that were no UTF-8.
  private static func isUnprintable(_ scalar: Unicode.Scalar) -> Bool {
    scalar.value < 0x20 || (0x7F...0x9F).contains(scalar.value) || scalar.value == 0xFFFD
  }
}
