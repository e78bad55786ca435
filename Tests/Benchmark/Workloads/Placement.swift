/// Where load, initiator and target run.
enum Placement: String, Codable, Sendable {
  /// Wherever the scheduler puts them.
  case free
  /// All three on one processor: the figure least disturbed by what else runs.
  case pinned
}
