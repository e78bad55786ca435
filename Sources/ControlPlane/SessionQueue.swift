import Synchronization

/// Targets that want a session and found every place taken, in the order they came.
///
/// They are not tried again by the clock: a place that is given back is passed on to the first.
final class SessionQueue: Sendable {
  private let targets = Mutex<[Target]>([])

  var count: Int { targets.withLock { $0.count } }

  func append(_ target: Target) {
    targets.withLock { $0.append(target) }
  }

  func remove(_ target: Target) {
    targets.withLock { $0.removeAll { $0 === target } }
  }

  func removeAll() {
    targets.withLock { $0 = [] }
  }

  /// Lets the first target try again.
  func advance() {
    let first = targets.withLock { $0.isEmpty ? nil : $0.removeFirst() }
    if let first { Task { await first.placeIsFree() } }
  }
}
