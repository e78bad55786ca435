import Synchronization

/// A place where one thread leaves a value that cannot be copied and another takes it.
final class Handoff<Value: ~Copyable & Sendable>: Sendable {
  private let value = Mutex<Value?>(nil)

  func put(_ newValue: consuming Value) {
    var slot: Value? = consume newValue
    value.withLock { $0 = slot.take() }
  }

  /// The value, once.
  func take() -> Value? {
    value.withLock { $0.take() }
  }
}
