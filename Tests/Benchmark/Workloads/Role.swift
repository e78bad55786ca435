/// Which of the two of a comparison.
enum Role: Sendable {
  /// The one a workload is about.
  case subject
  /// The one it is compared with.
  case rival
}
