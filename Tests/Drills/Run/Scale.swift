/// How long what can be long is: 1 is the drill as it is meant, 0 its short form.
struct Scale: Sendable {
  var factor: Double

  static let full = Scale(factor: 1)
  static let short = Scale(factor: 0)

  var isShort: Bool { factor == 0 }

  /// Between the two, in whole seconds.
  func seconds(_ full: Int, short: Int) -> Int {
    Int((Double(short) + Double(full - short) * factor).rounded())
  }
}
