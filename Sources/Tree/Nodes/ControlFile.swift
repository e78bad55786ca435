/// A file that takes one command a write.
struct ControlFile: Sendable {
  /// Whom the command is for.
  enum Scope: Equatable, Sendable {
    case root
    case target(String)
    case session(target: String, number: Int)
    case initiatorName
  }

  var scope: Scope
  var permissions: UInt16
  /// What reading shows: the verbs, one usage line each; empty where reading is refused.
  var usage: String
}
