import DequeModule
import Synchronization

/// Lets a fixed number in at a time, the others in the order they came.
///
/// Sixty-four targets that come back together have some five hundred commands for their LUNs at
/// once: refused for want of a slot they would come again and again, and in time give up.
final class ControlGate: Sendable {
  private struct State: Sendable {
    var freeCount: Int
    var waiting = Deque<CheckedContinuation<Void, Never>>()
  }

  private let state: Mutex<State>

  init(capacity: Int) {
    precondition(capacity > 0)
    state = Mutex(State(freeCount: capacity))
  }

  /// How many wait.
  var waitingCount: Int { state.withLock { $0.waiting.count } }

  /// Waits for a place.
  func enter() async {
    await withCheckedContinuation { continuation in
      let isIn = state.withLock { state in
        guard state.freeCount > 0 else {
          state.waiting.append(continuation)
          return false
        }
        state.freeCount -= 1
        return true
      }
      if isIn { continuation.resume() }
    }
  }

  /// Gives the place to whoever waits longest.
  func leave() {
    let next = state.withLock { state in
      let next = state.waiting.popFirst()
      if next == nil { state.freeCount += 1 }
      return next
    }
    next?.resume()
  }
}
