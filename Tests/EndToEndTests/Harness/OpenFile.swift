import Glibc
import SystemPackage

/// A file this process holds open: what a shell cannot say, since every close flushes.
final class OpenFile {
  enum Access {
    /// Through the page cache.
    case cached
    /// O_DIRECT.
    case direct
    /// Through the page cache, not for writing.
    case readOnly
  }

  /// What lseek(2) looks for; Glibc shows these only with _GNU_SOURCE.
  enum Whence: CInt {
    case data = 3
    case hole = 4
  }

  private let number: CInt

  init(_ path: String, _ access: Access) throws(Errno) {
    let flags =
      (access == .readOnly ? O_RDONLY : O_RDWR) | O_CLOEXEC
      | (access == .direct ? Self.direct : 0)
    // SAFETY: the path is a C string for the call.
    number = unsafe Glibc.open(path, flags)
    guard number >= 0 else { throw Errno(rawValue: errno) }
  }

  deinit { _ = Glibc.close(number) }

  /// Bytes at `offset`, as many as there are up to `count`.
  func read(_ count: Int, at offset: Int) throws(Errno) -> [UInt8] {
    let page = UnsafeMutableRawBufferPointer.allocate(byteCount: count, alignment: 4096)
    // SAFETY: the buffer lives until its bytes have been copied.
    defer { unsafe page.deallocate() }
    let result = unsafe pread(number, page.baseAddress, count, off_t(offset))
    guard result >= 0 else { throw Errno(rawValue: errno) }
    return unsafe [UInt8](page[..<result])
  }

  func write(_ bytes: [UInt8], at offset: Int) throws(Errno) {
    let page = UnsafeMutableRawBufferPointer.allocate(
      byteCount: bytes.count, alignment: 4096)
    // SAFETY: as above.
    defer { unsafe page.deallocate() }
    unsafe page.copyBytes(from: bytes)
    let result = unsafe pwrite(number, page.baseAddress, bytes.count, off_t(offset))
    guard result >= 0 else { throw Errno(rawValue: errno) }
    guard result == bytes.count else { throw .ioError }
  }

  /// Where the next data or hole begins.
  func seek(_ whence: Whence, from offset: Int) throws(Errno) -> Int {
    let result = lseek(number, off_t(offset), whence.rawValue)
    guard result >= 0 else { throw Errno(rawValue: errno) }
    return Int(result)
  }

  func synchronize() throws(Errno) {
    guard fsync(number) == 0 else { throw Errno(rawValue: errno) }
  }

  /// O_DIRECT, which Glibc shows only with _GNU_SOURCE and which differs by architecture.
  private static var direct: CInt {
    #if arch(arm64) || arch(arm)
      0o200000
    #else
      0o40000
    #endif
  }
}
