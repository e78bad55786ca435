/// A contestant this machine cannot have: nothing failed, and it is left out.
struct ContestantUnavailable: Error, CustomStringConvertible {
  let description: String

  init(_ description: String) {
    self.description = description
  }
}
