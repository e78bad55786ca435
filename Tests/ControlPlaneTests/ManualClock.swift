import Synchronization

/// A clock that stands still until a test moves it.
final class ManualClock: Clock, Sendable {
  struct Instant: InstantProtocol {
    var offset: Duration

    func advanced(by duration: Duration) -> Instant { Instant(offset: offset + duration) }
    func duration(to other: Instant) -> Duration { other.offset - offset }
    static func < (left: Instant, right: Instant) -> Bool { left.offset < right.offset }
  }

  private struct Sleeper {
    let id: Int
    let deadline: Instant
    let continuation: CheckedContinuation<Bool, Never>
  }

  private struct State {
    var now = Instant(offset: .zero)
    var sleepers: [Sleeper] = []
    var cancelled: Set<Int> = []
    var nextID = 0
  }

  private let state = Mutex(State())

  var now: Instant { state.withLock { $0.now } }
  var minimumResolution: Duration { .nanoseconds(1) }

  func sleep(until deadline: Instant, tolerance: Duration?) async throws {
    let id = state.withLock { state in
      state.nextID += 1
      return state.nextID
    }
    let isWoken = await withTaskCancellationHandler {
      await withCheckedContinuation { (continuation: CheckedContinuation<Bool, Never>) in
        let answer = state.withLock { state -> Bool? in
          if state.cancelled.remove(id) != nil { return false }
          guard deadline > state.now else { return true }
          state.sleepers.append(Sleeper(id: id, deadline: deadline, continuation: continuation))
          return nil
        }
        if let answer { continuation.resume(returning: answer) }
      }
    } onCancel: {
      let sleeper = state.withLock { state -> Sleeper? in
        guard let index = state.sleepers.firstIndex(where: { $0.id == id }) else {
          state.cancelled.insert(id)
          return nil
        }
        return state.sleepers.remove(at: index)
      }
      sleeper?.continuation.resume(returning: false)
    }
    guard isWoken else { throw CancellationError() }
  }

  /// Waits until somebody sleeps, moves the time to the earliest deadline, and tells how far.
  func fireNext() async -> Duration {
    while true {
      if let wait = fire(where: { _ in true }) { return wait }
      await Self.pause()
    }
  }

  /// Waits until somebody sleeps for `duration`, and moves the time there; false when nobody does.
  ///
  /// Others with earlier deadlines sleep on: they bound work that ends by itself, and a test that
  /// woke them by their place in the queue would depend on how far that work has come.
  func fires(_ duration: Duration) async -> Bool {
    for _ in 0..<10_000 {
      if fire(where: { $0 == duration }) != nil { return true }
      await Self.pause()
    }
    return false
  }

  /// Wakes everybody whose deadline is not later than now.
  func fireDue() {
    while fire(where: { $0 <= .zero }) != nil {}
  }

  /// Lets others run, without taking their processor as a yield in a loop would.
  static func pause() async {
    try? await Task.sleep(for: .milliseconds(1), clock: .continuous)
  }

  /// Wakes the earliest sleeper whose wait from now is expected; nil when there is none.
  private func fire(where isExpected: (Duration) -> Bool) -> Duration? {
    let fired = state.withLock { state -> (Sleeper, Duration)? in
      let now = state.now
      let expected = state.sleepers.filter { isExpected(now.duration(to: $0.deadline)) }
      guard let first = expected.min(by: { $0.deadline < $1.deadline }) else { return nil }
      state.sleepers.removeAll { $0.id == first.id }
      state.now = max(now, first.deadline)
      return (first, now.duration(to: first.deadline))
    }
    fired?.0.continuation.resume(returning: true)
    return fired?.1
  }

  var sleeperCount: Int { state.withLock { $0.sleepers.count } }
}
