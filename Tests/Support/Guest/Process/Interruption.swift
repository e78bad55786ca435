import Glibc
import Synchronization

/// The wish of the person at the terminal to end now, seen by everything here that waits.
package enum Interruption {
  private static let request = Atomic(false)

  /// Whether SIGINT, SIGTERM or SIGHUP has come since `install`.
  package static var isRequested: Bool { request.load(ordering: .acquiring) }

  /// Makes those signals set the wish instead of ending this process, which then cleans up.
  package static func install() {
    for number in [SIGINT, SIGTERM, SIGHUP] {
      // The handler does nothing but store an atomic.
      _ = signal(number) { _ in Interruption.request.store(true, ordering: .releasing) }
    }
  }

  /// Throws when the wish is there.
  package static func check() throws(GuestError) {
    if isRequested { throw .interrupted }
  }
}
