/// Why a drill could not go on, in a sentence.
struct DrillFailure: Error, CustomStringConvertible {
  let description: String

  init(_ description: String) {
    self.description = description
  }
}
