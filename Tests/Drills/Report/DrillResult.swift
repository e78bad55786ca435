/// What a drill came to, as it is kept between runs.
struct DrillResult: Codable, Sendable {
  var name: String
  var action: String
  var criterion: String
  /// Empty where it could not be done, which `objection` says.
  var verdict: Verdict
  var objection: String?
  var seconds: Int
  /// 1 for the full form, 0 for the short one.
  var factor: Double
  /// "2026-11-26", and the machine, as uname has it.
  var day: String
  var machine: String
  var version: String

  var hasFailed: Bool { objection == nil && !verdict.hasPassed }

  var outcome: String {
    if let objection { return "not: needs \(objection)" }
    return verdict.hasPassed ? "pass" : "**FAIL**: \(verdict.failures.joined(separator: "; "))"
  }

  var figures: String { verdict.figures.map(\.text).joined(separator: "; ") }

  /// One line, as a run prints it.
  var line: String {
    "\(name): \(action). Wanted: \(criterion). Measured: \(figures). \(outcome)"
      .replacing("**", with: "").replacing("\n", with: " ")
  }
}
