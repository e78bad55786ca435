package import CLinux

/// Reads and writes on borrowed descriptors, for the I/O path: no error is thrown or allocated.
///
/// Every function returns how many bytes moved, or a negative error number; EINTR is
/// retried inside.
@unsafe
package enum Transfer {
  /// The corresponding C function is `read`.
  @inline(__always)
  package static func read(_ fd: CInt, _ bytes: UnsafeMutableRawPointer, _ count: Int) -> Int {
    unsafe Int(clinux_read(fd, bytes, count))
  }

  /// Fills `first`, then `second`; the corresponding C function is `readv`.
  @inline(__always)
  package static func read(
    _ fd: CInt, _ first: UnsafeMutableRawPointer, _ firstCount: Int,
    then second: UnsafeMutableRawPointer, _ secondCount: Int
  ) -> Int {
    unsafe Int(clinux_read_two(fd, first, firstCount, second, secondCount))
  }

  /// The corresponding C function is `write`.
  @inline(__always)
  package static func write(_ fd: CInt, _ bytes: UnsafeRawPointer, _ count: Int) -> Int {
    unsafe Int(clinux_write(fd, bytes, count))
  }

  /// Writes `first`, then `second`; the corresponding C function is `writev`.
  @inline(__always)
  package static func write(
    _ fd: CInt, _ first: UnsafeRawPointer, _ firstCount: Int,
    then second: UnsafeRawPointer, _ secondCount: Int
  ) -> Int {
    unsafe Int(clinux_write_two(fd, first, firstCount, second, secondCount))
  }

  /// The corresponding C function is `sendmsg` (MSG_NOSIGNAL, MSG_DONTWAIT).
  @inline(__always)
  package static func send(_ fd: CInt, _ vectors: UnsafePointer<iovec>, _ count: Int) -> Int {
    unsafe Int(clinux_sendmsg(fd, vectors, CInt(count)))
  }
}
