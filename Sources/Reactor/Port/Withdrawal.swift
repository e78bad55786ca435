import Synchronization

/// The end of a LUN file's service, asked of every reactor; each says when nothing of the file's is
/// at the target any more.
package final class Withdrawal: Sendable {
  private struct State: Sendable {
    var busyCount: Int
    var waiting: [CheckedContinuation<Void, Never>] = []
  }

  private let state: Mutex<State>

  /// - Parameter laneCount: the reactors that are asked.
  init(laneCount: Int) {
    state = Mutex(State(busyCount: laneCount))
  }

  /// Waits until every reactor has said so.
  package func whenQuiet() async {
    await withCheckedContinuation { tell($0) }
  }

  /// Tells one who waits, now or later.
  func tell(_ continuation: CheckedContinuation<Void, Never>) {
    let isQuiet = state.withLock { state in
      if state.busyCount > 0 { state.waiting.append(continuation) }
      return state.busyCount == 0
    }
    if isQuiet { continuation.resume() }
  }

  /// One reactor has nothing of the file's at the target any more.
  func finish() {
    let waiting = state.withLock { state in
      state.busyCount -= 1
      guard state.busyCount == 0 else { return [CheckedContinuation<Void, Never>]() }
      defer { state.waiting = [] }
      return state.waiting
    }
    for continuation in waiting { continuation.resume() }
  }
}
