/// A property that bytes from outside made false: what was to hold, and what was found.
package struct Disagreement: Error, CustomStringConvertible, Sendable {
  package let description: String

  init(_ description: String) {
    self.description = description
  }
}

/// Throws when `condition` does not hold.
func hold(_ condition: Bool, _ property: @autoclosure () -> String) throws(Disagreement) {
  guard !condition else { return }
  throw Disagreement(property())
}

/// Throws when two readings of the same bytes differ.
func agree<Value: Equatable>(
  _ found: Value, _ expected: Value, _ what: @autoclosure () -> String
) throws(Disagreement) {
  guard found != expected else { return }
  throw Disagreement("\(what()): found \(found), expected \(expected)")
}
