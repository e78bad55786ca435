import Wire

extension String {
  /// The text of a device's field, without padding and safe to show.
  ///
  /// Leading spaces and trailing spaces and NULs are padding. What is not printable ASCII becomes
  /// `\xNN`, and so does the backslash, so that two fields that differ never look alike.
  /// Source: SPC-5, 4.3.1 (left-aligned ASCII fields).
  init(escapingField bytes: borrowing RawSpan, in range: Range<Int>) {
    var lower = range.lowerBound
    var upper = range.upperBound
    while upper > lower, bytes.byte(at: upper - 1) == 0x20 || bytes.byte(at: upper - 1) == 0 {
      upper -= 1
    }
    while lower < upper, bytes.byte(at: lower) == 0x20 {
      lower += 1
    }
    self = ""
    for offset in lower..<upper {
      let byte = bytes.byte(at: offset)
      if byte >= 0x20, byte < 0x7F, byte != UInt8(ascii: "\\") {
        append(Character(Unicode.Scalar(byte)))
      } else {
        append("\\x" + byte.hexadecimal)
      }
    }
  }
}
