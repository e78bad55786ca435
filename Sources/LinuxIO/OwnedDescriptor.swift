import CLinux
package import SystemPackage

/// A file descriptor with one owner, closed when the owner lets go of it.
///
/// Handing it over is `consuming`; `take()` gives the number away to who closes it otherwise.
/// The corresponding C function is `close`.
package struct OwnedDescriptor: ~Copyable, Sendable {
  /// The number, borrowed for a call: never stored beyond the owner's life.
  package let rawValue: CInt

  /// Takes ownership of `rawValue`, which must be open.
  package init(owning rawValue: CInt) {
    precondition(rawValue >= 0, "an owned descriptor is open")
    self.rawValue = rawValue
  }

  deinit {
    _ = clinux_close(rawValue)
  }

  /// Gives up ownership: the caller closes the number.
  package consuming func take() -> CInt {
    let number = rawValue
    discard self
    return number
  }

  /// A second descriptor for the same open file.
  ///
  /// The corresponding C function is `fcntl(F_DUPFD_CLOEXEC)`.
  package borrowing func duplicated() throws(Errno) -> OwnedDescriptor {
    OwnedDescriptor(owning: try Errno.check(clinux_duplicate(rawValue)))
  }

  /// Makes reads and writes return EAGAIN instead of waiting.
  package borrowing func setNonBlocking() throws(Errno) {
    _ = try Errno.check(clinux_set_nonblocking(rawValue))
  }
}
