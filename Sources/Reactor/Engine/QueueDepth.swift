/// How many requests of a unit may have a command at its target at once, and who waits for that.
///
/// The unit says by TASK SET FULL or BUSY that it has more than it takes: the bound is halved, and
/// grows back by itself. Waiting slots form a list through `Slot.next`, first come first served.
struct QueueDepth: BitwiseCopyable {
  /// No slot.
  static let nobody = UInt16.max
  /// A bound that was halved is what it was after so many steps, and the first step's wait.
  private static let stepCount: UInt64 = 16
  private static let step = Interval.second

  /// node.session.queue_depth.
  private(set) var maximum = UInt16.max
  /// The present bound, from 1 to `maximum`.
  private(set) var limit = UInt16.max
  /// Requests with a command at the target, or on its way there.
  var admittedCount: UInt16 = 0
  /// The first and the last slot that wait.
  var first = nobody
  var last = nobody
  /// When the bound was last halved, and to what.
  private var cutAt: UInt64 = 0
  private var cutLimit: UInt16 = 0

  var isReduced: Bool { limit < maximum }

  /// Takes note of the bound a person has set.
  mutating func use(maximum: UInt16) {
    precondition(maximum > 0, "a bound of 0 lets nothing through")
    guard maximum != self.maximum else { return }
    self.maximum = maximum
    limit = maximum
  }

  /// Halves the bound for a command the unit had no room for.
  ///
  /// One sent before the last time says nothing new: all that were under way are refused together.
  mutating func cut(sentAt: UInt64, now: UInt64) {
    guard !isReduced || sentAt > cutAt else { return }
    limit = max(1, limit / 2)
    cutLimit = limit
    cutAt = now
  }

  /// Lets the bound grow by what time has passed without a refusal.
  mutating func recover(now: UInt64) { limit = bound(at: now) }

  /// What the bound is at a moment.
  func bound(at now: UInt64) -> UInt16 {
    guard isReduced else { return limit }
    let steps = min((now &- cutAt) / Self.step, Self.stepCount)
    let growth = (UInt64(maximum) * steps + Self.stepCount - 1) / Self.stepCount
    return UInt16(min(UInt64(maximum), UInt64(cutLimit) + growth))
  }
}
