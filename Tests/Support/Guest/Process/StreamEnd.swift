import Glibc
import LinuxIO

/// One end of a pipe, or a file that grows; closed when nobody holds it any more.
final class StreamEnd: Sendable {
  let descriptor: OwnedDescriptor

  private init(_ number: CInt) {
    descriptor = OwnedDescriptor(owning: number)
  }

  /// Both ends of a new pipe.
  ///
  /// The corresponding C function is `pipe`.
  static func pair() throws(GuestError) -> (reading: StreamEnd, writing: StreamEnd) {
    var numbers: [CInt] = [-1, -1]
    // SAFETY: the kernel writes two numbers.
    guard unsafe pipe(&numbers) == 0 else {
      throw .failed("there is no pipe: errno \(errno)")
    }
    return (StreamEnd(numbers[0]), StreamEnd(numbers[1]))
  }

  /// A file another program writes, created when it is not there, read from its beginning.
  static func following(_ path: String) throws(GuestError) -> StreamEnd {
    // SAFETY: the path is a C string for the call.
    let number = unsafe open(path, O_RDONLY | O_CREAT | O_CLOEXEC, 0o600)
    guard number >= 0 else { throw .failed("\(path) cannot be read: errno \(errno)") }
    return StreamEnd(number)
  }

  /// What is there to be read now, at most 64 KiB; empty at the end of the stream.
  ///
  /// Waits when nothing is there and somebody may still write.
  func read() -> [UInt8] {
    var buffer = [UInt8](repeating: 0, count: 65536)
    // SAFETY: the buffer has the length that is told.
    let count = unsafe Glibc.read(descriptor.rawValue, &buffer, buffer.count)
    return Array(buffer.prefix(max(count, 0)))
  }

  /// Writes all of `bytes`; false when nobody reads any more.
  func write(_ bytes: [UInt8]) -> Bool {
    var written = 0
    while written < bytes.count {
      let rest = Array(bytes[written...])
      // SAFETY: the array has the length that is told.
      let count = unsafe Glibc.write(descriptor.rawValue, rest, rest.count)
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { return false }
      written += count
    }
    return true
  }
}
