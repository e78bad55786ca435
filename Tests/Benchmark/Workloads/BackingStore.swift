/// The LUN a workload runs on.
enum BackingStore: String, Codable, CaseIterable, Sendable {
  /// Costs the target next to nothing: what is seen is the initiator.
  case null
  /// A file in memory: what is seen is the whole.
  case file
  /// As `null`, at a target that takes digests.
  case digests

  var summary: String {
    switch self {
    case .null: "null-backed"
    case .file: "backed by a file in memory"
    case .digests: "null-backed, digests allowed"
    }
  }
}
