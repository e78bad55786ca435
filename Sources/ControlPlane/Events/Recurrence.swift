/// Which of many alike get a line in the log: the first and then ever fewer, until there was none
/// for a minute.
struct Recurrence: Sendable {
  private static let quiet = Duration.seconds(60)

  private var count = 0
  private var sinceLast: (@Sendable () -> Duration)?

  /// Counts one more, which the stopwatch begins with; its number where the log should have it.
  mutating func next(_ stopwatch: @escaping @Sendable () -> Duration) -> Int? {
    if let sinceLast, sinceLast() > Self.quiet { count = 0 }
    sinceLast = stopwatch
    count &+= 1
    return count & (count &- 1) == 0 ? count : nil
  }
}
