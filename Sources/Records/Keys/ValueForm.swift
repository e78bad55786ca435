/// How the text of a value becomes a typed one and back.
struct ValueForm<Value: Sendable>: Sendable {
  /// What the key takes, as an error says it: "a whole number from 1 to 1024".
  let expectation: String
  let parse: @Sendable (String) -> Value?
  /// nil: not set.
  let print: @Sendable (Value) -> String?
}

extension ValueForm where Value == Bool {
  /// open-iscsi's booleans; 0/1 as the tree's attribute files have them are taken too.
  static let yesNo = ValueForm(
    expectation: "Yes or No",
    parse: { text in
      switch text.lowercased() {
      case "yes", "1": true
      case "no", "0": false
      default: nil
      }
    },
    print: { $0 ? "Yes" : "No" })
}

extension ValueForm where Value: FixedWidthInteger {
  static func number(_ range: ClosedRange<Value>) -> ValueForm {
    ValueForm(
      expectation: "a whole number from \(range.lowerBound) to \(range.upperBound)",
      parse: { text in Value(text).flatMap { range.contains($0) ? $0 : nil } },
      print: { String($0) })
  }

  static func powerOfTwo(_ range: ClosedRange<Value>) -> ValueForm {
    let number = ValueForm.number(range)
    return ValueForm(
      expectation: "a power of two from \(range.lowerBound) to \(range.upperBound)",
      parse: { text in number.parse(text).flatMap { $0.nonzeroBitCount == 1 ? $0 : nil } },
      print: number.print)
  }

  /// `none`, or a number in `range`.
  static func number(_ range: ClosedRange<Value>, or none: Value) -> ValueForm {
    let number = ValueForm.number(range)
    return ValueForm(
      expectation: "\(none) or \(number.expectation)",
      parse: { text in Value(text) == none ? none : number.parse(text) },
      print: number.print)
  }
}

extension ValueForm
where Value: RawRepresentable & CaseIterable, Value.RawValue == String {
  /// One of the words of an enumeration, upper and lower case alike.
  static var word: ValueForm {
    ValueForm(
      expectation: "one of " + Value.allCases.map { "\"\($0.rawValue)\"" }.joined(separator: ", "),
      parse: { text in
        let wanted = text.filter { !$0.isWhitespace }.lowercased()
        return Value.allCases.first { $0.rawValue.lowercased() == wanted }
      },
      print: { $0.rawValue })
  }
}

extension ValueForm {
  /// Words of an enumeration separated by commas, the wanted one first; none prints as not set.
  static func list<Word>() -> ValueForm
  where
    Word: RawRepresentable & CaseIterable & Hashable, Word.RawValue == String, Value == [Word]
  {
    ValueForm(
      expectation: "a list of " + Word.allCases.map(\.rawValue).joined(separator: ", "),
      parse: { text in
        let parts = text.split(separator: ",", omittingEmptySubsequences: false)
        let words = parts.compactMap { ValueForm<Word>.word.parse(String($0)) }
        let isWhole = words.count == parts.count
        return isWhole && Set(words).count == words.count ? words : nil
      },
      print: { $0.isEmpty ? nil : $0.map(\.rawValue).joined(separator: ",") })
  }
}

extension ValueForm where Value == String? {
  /// One line of bounded length, no control characters, no outer spaces; nil prints as not set.
  static func text(_ what: String, maximumByteCount: Int) -> ValueForm {
    ValueForm(
      expectation: "\(what) of at most \(maximumByteCount) bytes, no control characters, "
        + "no outer spaces",
      parse: { text in
        let isClean =
          text.unicodeScalars.allSatisfy { $0.value >= 0x20 && $0.value != 0x7F }
          && !text.contains(where: \.isNewline) && text.first?.isWhitespace == false
          && text.last?.isWhitespace == false
        return isClean && text.utf8.count <= maximumByteCount ? .some(text) : nil
      },
      print: { $0 })
  }

  static let host = ValueForm(
    expectation: "a host name or an address, without a port",
    parse: { text in PortalAddress.isHost(text) ? .some(text) : nil },
    print: { $0 })
}

extension ValueForm where Value == Secret? {
  /// Source: RFC 7143, 6.1: no text value is longer than 255 bytes unless its key says so.
  static let secret = ValueForm(
    expectation: "a secret of 1 to 255 bytes",
    parse: { text in (1...255).contains(text.utf8.count) ? .some(Secret(text)) : nil },
    print: { secret in secret.map { _ in Secret.mask } })
}

extension ValueForm where Value == InitiatorName? {
  static let initiatorName = ValueForm(
    expectation: "a name of the form iqn.YYYY-MM.reversed.domain:suffix, eui.* or naa.*",
    parse: { text in InitiatorName(text).map(Optional.some) },
    print: { $0?.rawValue })
}
