/// A goal and what was measured for it.
struct Verdict: Equatable, Sendable {
  let goal: Goal
  /// nil where it could not be measured.
  let value: Double?

  var isMet: Bool? { value.map(goal.isMet(by:)) }
  /// "met", "missed", "open".
  var word: String { isMet.map { $0 ? "met" : "missed" } ?? "open" }
}
