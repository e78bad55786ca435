import Synchronization

/// The first error of several tasks.
final class FirstFailure: Sendable {
  private let stored = Mutex<ControlError?>(nil)

  func note(_ error: ControlError) {
    stored.withLock { $0 = $0 ?? error }
  }

  var first: ControlError? { stored.withLock { $0 } }
}
