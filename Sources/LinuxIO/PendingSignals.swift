import Glibc
import SystemPackage

/// The signals that wait for a thread until its system call returns.
///
/// FUSE tells that one came, and only of the first, not which: a shell whose child has ended must
/// not find its write to a file interrupted, one that is to be killed must be let go.
package struct PendingSignals: Equatable, Sendable {
  /// Between looks at a caller whose signals asked for nothing so far, in milliseconds.
  package static let lookInterval: UInt64 = 250

  /// Longer than what the kernel writes about a thread in a thousand groups.
  private static let statusLimit = 16 << 10

  /// One bit a signal, the first for signal 1: those that have come and are not blocked.
  package var pending: UInt64

  /// Of a thread, as this process numbers threads; nil where the kernel does not say: the thread is
  /// of another PID namespace (0) or gone, `/proc` is not there, hidden or another namespace's.
  package init?(ofThread thread: UInt32) {
    guard thread != 0, Self.seesItself,
      let status = Self.contents(of: "/proc/\(thread)/status")
    else { return nil }
    self.init(parsing: status)
  }

  /// From the text of `/proc/<thread>/status` (proc(5)): SigPnd, ShdPnd and SigBlk.
  package init?(parsing status: [UInt8]) {
    var own: UInt64?
    var shared: UInt64?
    var blocked: UInt64?
    for line in status.split(separator: UInt8(ascii: "\n")) where line.count > 8 {
      // Each name has six letters, a colon and a tab behind it.
      let value = line.dropFirst(8)
      switch String(decoding: line.prefix(8), as: UTF8.self) {
      case "SigPnd:\t": own = Self.mask(value)
      case "ShdPnd:\t": shared = Self.mask(value)
      case "SigBlk:\t": blocked = Self.mask(value)
      default: break
      }
    }
    guard let own, let shared, let blocked else { return nil }
    pending = (own | shared) & ~blocked
  }

  private static func mask(_ digits: ArraySlice<UInt8>) -> UInt64? {
    UInt64(String(decoding: digits, as: UTF8.self), radix: 16)
  }

  /// Whether one of them asks for the thread's call to end. Those that tell of a child, a window, a
  /// timer of processor time, or that stop a process, do not, nor do real-time signals but for the
  /// two of the C library (a thread is cancelled, all of a process change their user): what a disk
  /// does, they wait for.
  package var endsCall: Bool { pending & ~Self.notices != 0 }

  /// SIGKILL is there: it stays until the last thread of the process has gone.
  private var kills: Bool { pending & (1 << (UInt64(SIGKILL) - 1)) != 0 }

  /// Whether a thread's process has been ended by a signal and waits perhaps for what it has
  /// submitted (exit_aio): SIGKILL is there, or the thread is on its way out for another signal.
  package static func isKilled(thread: UInt32) -> Bool {
    guard thread != 0, seesItself else { return false }
    if PendingSignals(ofThread: thread)?.kills == true { return true }
    return contents(of: "/proc/\(thread)/stat").map(isEnding(parsing:)) ?? false
  }

  /// From the text of `/proc/<thread>/stat` (proc(5)): PF_EXITING and PF_SIGNALED are set in the
  /// ninth field (include/linux/sched.h). A thread that ends by itself has the first alone, and its
  /// process may go on.
  package static func isEnding(parsing stat: [UInt8]) -> Bool {
    // The second field is a name in parentheses, which may have anything in it.
    guard let end = stat.lastIndex(of: UInt8(ascii: ")")) else { return false }
    let fields = stat[(end + 1)...].split(separator: UInt8(ascii: " "))
    guard fields.count > 6,
      let flags = UInt64(String(decoding: fields[6], as: UTF8.self))
    else { return false }
    return flags & exitingAndSignaled == exitingAndSignaled
  }

  private static let exitingAndSignaled: UInt64 = 0x4 | 0x400

  /// Whether a call of the thread's should end; true as well where nothing is known.
  package static func endCall(ofThread thread: UInt32) -> Bool {
    PendingSignals(ofThread: thread)?.endsCall ?? true
  }

  private static let notices: UInt64 = {
    // From 34 on, SIGRTMIN of glibc.
    var bits = ~UInt64(0) << 33
    for signal in [
      SIGTRAP, SIGCHLD, SIGCONT, SIGSTOP, SIGTSTP, SIGTTIN, SIGTTOU, SIGURG, SIGVTALRM, SIGPROF,
      SIGWINCH, SIGIO,
    ] {
      bits |= 1 << (UInt64(signal) - 1)
    }
    return bits
  }()

  /// `/proc` numbers processes as this one does.
  private static let seesItself =
    contents(of: "/proc/self/stat").map { stat in
      String(decoding: stat.prefix { $0 != UInt8(ascii: " ") }, as: UTF8.self) == "\(getpid())"
    } ?? false

  private static func contents(of path: String) -> [UInt8]? {
    guard
      let file = try? FileDescriptor.open(FilePath(path), .readOnly, options: .closeOnExec)
    else { return nil }
    return try? file.closeAfter {
      var contents: [UInt8] = []
      while contents.count < statusLimit {
        var chunk = [UInt8](repeating: 0, count: 4096)
        let count = try unsafe chunk.withUnsafeMutableBytes { try unsafe file.read(into: $0) }
        if count == 0 { break }
        contents += chunk.prefix(count)
      }
      return contents
    }
  }
}
