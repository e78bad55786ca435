import Synchronization

/// A wait for whichever of several tasks is done first.
final class FirstOutcome: Sendable {
  private enum State {
    case open
    case waiting(CheckedContinuation<Bool, Never>)
    case decided(Bool)
  }

  private let state = Mutex(State.open)

  /// Decides the outcome; only the first call does.
  func finish(_ outcome: Bool) {
    let waiter = state.withLock { state -> CheckedContinuation<Bool, Never>? in
      switch state {
      case .decided: return nil
      case .open:
        state = .decided(outcome)
        return nil
      case .waiting(let continuation):
        state = .decided(outcome)
        return continuation
      }
    }
    waiter?.resume(returning: outcome)
  }

  /// The outcome, when there is one; one reader.
  var value: Bool {
    get async {
      await withCheckedContinuation { continuation in
        let decided = state.withLock { state -> Bool? in
          if case .decided(let outcome) = state { return outcome }
          state = .waiting(continuation)
          return nil
        }
        if let decided { continuation.resume(returning: decided) }
      }
    }
  }
}
