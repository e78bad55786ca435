/// What a drill came to: figures, each for the promises it bears on, and what did not hold.
struct Verdict: Codable, Equatable, Sendable {
  struct Figure: Codable, Equatable, Sendable {
    var text: String
    /// Numbers of promises, 1 for P1.
    var promises: [Int]
    /// Of one that is a time.
    var wait: Wait?

    /// Its text without the number and the unit at its end.
    var subject: String { text.split(separator: " ").dropLast(2).joined(separator: " ") }
  }

  /// How long something took, in seconds, and how long it might.
  struct Wait: Codable, Equatable, Sendable {
    var seconds: Double
    var limit: Double
  }

  private(set) var figures: [Figure] = []
  private(set) var failures: [String] = []

  var hasPassed: Bool { failures.isEmpty }

  /// Tells a figure.
  mutating func note(_ text: String, for promises: Int...) {
    figures.append(Figure(text: text, promises: promises))
  }

  mutating func fail(_ sentence: String) {
    failures.append(sentence)
  }

  /// Fails with `sentence` unless `holds`.
  mutating func require(_ holds: Bool, _ sentence: @autoclosure () -> String) {
    if !holds { failures.append(sentence()) }
  }

  /// Tells a time that must not be above `limit`.
  mutating func time(
    _ what: String, _ measured: Duration, atMost limit: Duration, for promises: Int...
  ) {
    figures.append(
      Figure(
        text: "\(what) \(measured.text)", promises: promises,
        wait: Wait(seconds: measured.milliseconds / 1000, limit: limit.milliseconds / 1000)))
    if measured > limit { failures.append("\(what) \(measured.text), above \(limit.text)") }
  }
}

extension Duration {
  fileprivate var milliseconds: Double {
    Double(components.seconds) * 1000 + Double(components.attoseconds) / 1e15
  }

  /// "3 ms", "12.4 s".
  var text: String {
    if milliseconds < 1000 { return "\(Int(milliseconds.rounded())) ms" }
    let tenths = Int((milliseconds / 100).rounded())
    return tenths % 10 == 0 || tenths > 1000
      ? "\(tenths / 10) s" : "\(tenths / 10).\(tenths % 10) s"
  }
}
