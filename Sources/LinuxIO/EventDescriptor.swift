import CLinux
import Glibc
package import SystemPackage

/// A counter another thread can be woken with.
///
/// `signal` from any thread makes the descriptor readable; `clear` makes it quiet again.
/// The corresponding C function is `eventfd`.
package struct EventDescriptor: ~Copyable, Sendable {
  package let descriptor: OwnedDescriptor

  package init() throws(Errno) {
    descriptor = OwnedDescriptor(owning: try Errno.check(clinux_eventfd()))
  }

  /// Makes the descriptor readable.
  package borrowing func signal() {
    var one: UInt64 = 1
    // SAFETY: eight bytes of a local are read. A full counter (EAGAIN) is readable already.
    _ = unsafe clinux_write(descriptor.rawValue, &one, 8)
  }

  /// Takes back every signal so far.
  package borrowing func clear() {
    var count: UInt64 = 0
    // SAFETY: eight bytes are written to a local.
    _ = unsafe clinux_read(descriptor.rawValue, &count, 8)
  }

  /// Waits until signalled, at most `milliseconds` (nil: without limit); true when it was.
  package borrowing func wait(milliseconds: Int32?) -> Bool {
    clinux_poll_one(descriptor.rawValue, Int16(POLLIN), milliseconds ?? -1) > 0
  }
}
