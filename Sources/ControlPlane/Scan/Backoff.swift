/// Waits that grow from a tenth of a second to two, until patience has run out.
struct Backoff {
  private var next = Duration.milliseconds(100)
  private var left: Duration

  init(patience: Duration) {
    left = patience
  }

  /// Waits once more; false without waiting when patience has run out or the task is cancelled.
  mutating func pause(on clock: any Clock<Duration>) async -> Bool {
    guard left > .zero else { return false }
    let wait = min(next, left)
    left -= wait
    next = min(next * 2, .seconds(2))
    do { try await clock.sleep(for: wait) } catch { return false }
    return true
  }
}
