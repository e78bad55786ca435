/// When to try a login again: after 1, 2, 4, 8 and 15 seconds, each within a fifth.
///
/// After a refusal that will not pass by itself it is half a minute at least. Where nobody answers
/// and callers wait for the path it is a second each time: a try costs an absent target nothing,
/// and its return shall be seen at once.
struct RecoverySchedule {
  /// The shortest time between two tries a target refuses for good, in seconds.
  static let permanentSeconds = 30.0

  private var failureCount = 0

  /// The wait after a try that failed; `random` is from 0 up to 1.
  ///
  /// - Parameter isUrgent: nobody answered, and callers wait.
  mutating func delay(isPermanent: Bool, isUrgent: Bool = false, random: Double) -> Duration {
    precondition(random >= 0 && random < 1)
    let steps = [1.0, 2, 4, 8, 15]
    let seconds = isUrgent ? steps[0] : steps[min(failureCount, steps.count - 1)]
    failureCount += 1
    return isPermanent
      ? .seconds(Self.permanentSeconds * (1 + 0.2 * random))
      : .seconds(seconds * (0.8 + 0.4 * random))
  }
}
