import ArgumentParser
import Glibc
import LinuxIO

/// Makes one call after another on a file and tells what each came to; for the drills themselves.
///
/// In a process of its own: a caller that cannot be killed must not be the drill.
struct ProbeCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "probe", abstract: "Call a file again and again, a line a call.",
    shouldDisplay: false)

  @Argument(help: "The file.")
  var file: String

  @Option(help: "Bytes of a call.")
  var bytes = 4096

  @Option(help: "Where, in bytes.")
  var offset = 0

  @Option(help: "Calls; 0 does not end.")
  var count = 0

  @Option(help: "Milliseconds between the beginnings of two calls, where there is time.")
  var interval = 50

  @Flag(help: "Write, not read.")
  var write = false

  @Flag(help: "fsync behind every write.")
  var sync = false

  @Flag(help: "Through the page cache.")
  var cached = false

  func run() throws {
    let page = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes, alignment: 4096)
    // SAFETY: the buffer lives until the last call has returned.
    defer { unsafe page.deallocate() }
    unsafe page.initializeMemory(as: UInt8.self, repeating: 0x5A)
    let flags = (write ? O_RDWR : O_RDONLY) | O_CLOEXEC | (cached ? 0 : Self.direct)
    var start = MonotonicTime.now
    // SAFETY: the path is a C string for the call.
    let number = unsafe open(file, flags)
    tell("open", start, number >= 0 ? 0 : errno)
    guard number >= 0 else { throw ExitCode.failure }
    var call = 0
    while count == 0 || call < count {
      call += 1
      start = MonotonicTime.now
      let moved =
        write
        ? unsafe pwrite(number, page.baseAddress, bytes, off_t(offset))
        : unsafe pread(number, page.baseAddress, bytes, off_t(offset))
      // A short transfer is none of the errors a disk has: EMSGSIZE stands for it.
      tell(write ? "write" : "read", start, moved == bytes ? 0 : moved < 0 ? errno : EMSGSIZE)
      if sync {
        start = MonotonicTime.now
        tell("fsync", start, fsync(number) == 0 ? 0 : errno)
      }
      let next = start.advanced(milliseconds: UInt64(interval))
      usleep(useconds_t(MonotonicTime.now.milliseconds(until: next) * 1000))
    }
  }

  private func tell(_ what: String, _ start: MonotonicTime, _ error: Int32) {
    let duration = MonotonicTime.now.nanoseconds - start.nanoseconds
    let line = Array("\(what) \(start.nanoseconds) \(duration) \(error)\n".utf8)
    // SAFETY: the array has the length that is told.
    _ = unsafe Glibc.write(1, line, line.count)
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
