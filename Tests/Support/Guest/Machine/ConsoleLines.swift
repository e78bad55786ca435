/// A console's text cut into lines as it grows, without what moves a cursor.
///
/// Pure.
package struct ConsoleLines {
  private var pending: [UInt8] = []

  package init() {}

  /// Takes what was printed; returns the lines it completes, empty ones left out.
  package mutating func received(_ bytes: some Sequence<UInt8>) -> [String] {
    var lines: [String] = []
    for byte in bytes {
      guard byte == UInt8(ascii: "\n") else {
        pending.append(byte)
        continue
      }
      let line = Self.readable(pending)
      if !line.isEmpty { lines.append(line) }
      pending = []
    }
    return lines
  }

  /// Without control characters and without ESC [ ... letter.
  private static func readable(_ bytes: [UInt8]) -> String {
    var text: [UInt8] = []
    var isInSequence = false
    for byte in bytes {
      if isInSequence {
        isInSequence =
          !(UInt8(ascii: "@")...UInt8(ascii: "~")).contains(byte)
          || byte == UInt8(ascii: "[")
      } else if byte == 0x1B {
        isInSequence = true
      } else if byte >= 0x20 {
        text.append(byte)
      }
    }
    return String(decoding: text, as: UTF8.self)
  }
}
