import ISCSI

/// Text negotiation: `TextParameter` and its values beside `NaiveText`.
///
/// Input: the text.
enum TextProperties {
  static func check(_ bytes: [UInt8]) throws(Disagreement) {
    let expected = NaiveText.parameters(of: bytes)
    let found: [TextParameter]?
    do { found = try TextParameter.parameters(parsing: bytes) } catch {
      try holdSentence(error.sentence, of: "a text error")
      found = nil
    }
    try agree(found?.map(\.key), expected?.map(\.key), "keys")
    try agree(found, expected, "pairs")
    try checkAccumulator(bytes, expected: found)
    try checkEscapes(of: String(decoding: bytes, as: UTF8.self))
    guard let found else { return }
    try checkEncoding(of: found)
    for parameter in found.prefix(64) { try checkValue(of: parameter) }
  }

  /// However the text is split, it is the same text, up to the bound.
  private static func checkAccumulator(
    _ bytes: [UInt8], expected: [TextParameter]?
  ) throws(Disagreement) {
    let split = Int(bytes.first ?? 0) * bytes.count / 256
    var accumulator = TextAccumulator()
    let found: [TextParameter]?
    do throws(TextError) {
      try accumulator.append(Array(bytes[..<split]))
      try accumulator.append(Array(bytes[split...]))
      found = try accumulator.take()
    } catch { found = nil }
    let fits = bytes.count <= TextAccumulator.maximumByteCount
    try agree(found, fits ? expected : nil, "text split at \(split)")
    if found != nil { try hold(accumulator.isEmpty, "nothing is left of a text that was taken") }
  }

  private static func checkEncoding(of parameters: [TextParameter]) throws(Disagreement) {
    // Repaired UTF-8 is longer than what came.
    guard parameters.allSatisfy({ $0.value.utf8.count <= TextParameter.maximumValueByteCount })
    else { return }
    let again = try? TextParameter.parameters(parsing: TextParameter.encode(parameters))
    try agree(again, parameters, "encoded pairs read again")
  }

  private static func checkEscapes(of text: String) throws(Disagreement) {
    let escaped = text.escapedForTerminal
    try hold(escaped.isPrintable, "an escaped text is printable")
    try agree(NaiveText.unescaped(escaped), Array(text.utf8), "an escaped text, read back")
    try hold(text.excerpt.isPrintable, "an excerpt is printable")
    try hold(text.excerpt.utf8.count <= 259, "an excerpt is short: \(text.excerpt.utf8.count)")
  }

  private static func checkValue(of parameter: TextParameter) throws(Disagreement) {
    let value = parameter.value
    let boolean = try? parameter.boolean()
    try agree(boolean, value == "Yes" ? true : value == "No" ? false : nil, "boolean of \(value)")
    let number = NaiveText.number(value[...])
    try agree(try? parameter.number(in: 0...UInt64.max), number, "number of \(value)")
    let small = number.flatMap { (5...70_000).contains($0) ? $0 : nil }
    try agree(try? parameter.number(in: 5...70_000), small, "number from 5 to 70000 of \(value)")
    let ends = value.utf8.split(separator: UInt8(ascii: "~"), omittingEmptySubsequences: false)
      .map { NaiveText.number(Substring($0)) }
    let range: ClosedRange<UInt64>? =
      if ends.count == 2, let low = ends[0], let high = ends[1], low <= high { low...high } else {
        nil
      }
    try agree(try? parameter.numberRange(), range, "range of \(value)")
    try agree(parameter.list().joined(separator: ","), value, "list, joined")
    for limit in [8, 1_024] {
      let bytes = NaiveText.binary(value).flatMap { $0.count <= limit ? $0 : nil }
      let found = try? parameter.binary(maximumByteCount: limit)
      try agree(found, bytes, "at most \(limit) bytes of \(value)")
      if let found, !found.isEmpty {
        let written = TextParameter(parameter.key, TextParameter.hexadecimal(of: found))
        try agree(try? written.binary(maximumByteCount: limit), found, "hexadecimal read again")
      }
    }
  }
}
