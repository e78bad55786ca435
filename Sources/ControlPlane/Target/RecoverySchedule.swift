/// When to try a login again: at once, then after 1, 2, 4, 8 and 15 seconds, each within a fifth.
///
/// After a refusal that will not pass by itself it is half a minute at least.
struct RecoverySchedule {
  /// The shortest time between two tries a target refuses for good, in seconds.
  static let permanentSeconds = 30.0

  private var failureCount = 0

  /// The wait after a try that failed; `random` is from 0 up to 1.
  mutating func delay(isPermanent: Bool, random: Double) -> Duration {
    precondition(random >= 0 && random < 1)
    let steps = [1.0, 2, 4, 8, 15]
    let seconds = steps[min(failureCount, steps.count - 1)]
    failureCount += 1
    return isPermanent
      ? .seconds(Self.permanentSeconds * (1 + 0.2 * random))
      : .seconds(seconds * (0.8 + 0.4 * random))
  }
}
