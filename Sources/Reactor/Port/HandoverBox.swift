import Synchronization

/// A connection on its way through the door, owned by the box until it is taken out, once.
///
/// Commands are copied in their queue; a socket must not be.
final class HandoverBox: Sendable {
  private let handover: Mutex<ConnectionHandover?>

  init(_ handover: consuming ConnectionHandover) {
    self.handover = Mutex(consume handover)
  }

  /// The connection; nil when it was taken before.
  func take() -> ConnectionHandover? {
    handover.withLock { $0.take() }
  }
}
