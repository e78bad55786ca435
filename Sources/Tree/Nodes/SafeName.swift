/// Names from outside made fit to be one component of a path.
///
/// The control plane has prepared target names already; the tree does not rely on it. What a
/// target says can never be empty, `.`, `..`, contain `/` or NUL, or move a terminal's cursor.
enum SafeName {
  /// The longest name of a directory entry on Linux, in bytes (NAME_MAX).
  static let maximumByteCount = 255

  /// `name` with every byte that is unfit written as `%XX`; nil when it is too long then.
  ///
  /// - Parameter isSplitSafe: also without `:` (fio and docker -v split on it) and white space.
  static func make(_ name: String, isSplitSafe: Bool = false) -> String? {
    if isSafe(name), !isSplitSafe || !name.utf8.contains(where: isSplit) { return name }
    var bytes: [UInt8] = []
    let isDots = name == "." || name == ".."
    for byte in name.utf8 {
      if isDots || isUnfit(byte) || (isSplitSafe && isSplit(byte)) {
        bytes.append(UInt8(ascii: "%"))
        bytes.append(contentsOf: hexadecimal(byte))
      } else {
        bytes.append(byte)
      }
    }
    if bytes.isEmpty { bytes = [UInt8](("%00").utf8) }
    guard bytes.count <= maximumByteCount else { return nil }
    return String(decoding: bytes, as: UTF8.self)
  }

  /// True for a name that `make` leaves as it is.
  static func isSafe(_ name: String) -> Bool {
    let bytes = name.utf8
    return !bytes.isEmpty && bytes.count <= maximumByteCount && name != "." && name != ".."
      && !bytes.contains(where: isUnfit)
  }

  private static func isSplit(_ byte: UInt8) -> Bool { byte == 0x3A || byte == 0x20 }

  private static func isUnfit(_ byte: UInt8) -> Bool {
    byte < 0x20 || byte == 0x7F || byte == UInt8(ascii: "/")
  }

  private static func hexadecimal(_ byte: UInt8) -> [UInt8] {
    let digits = [UInt8]("0123456789ABCDEF".utf8)
    return [digits[Int(byte >> 4)], digits[Int(byte & 15)]]
  }
}
