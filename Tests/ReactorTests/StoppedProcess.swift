import Glibc
import Testing

/// A process that takes no signal but SIGKILL, since it is stopped: others stay pending.
struct StoppedProcess {
  private let child: pid_t

  init() throws {
    var child: pid_t = 0
    let name = unsafe strdup("sleep")
    let seconds = unsafe strdup("100")
    defer {
      unsafe free(name)
      unsafe free(seconds)
    }
    // The thread that runs a test may block most signals, and its children would.
    var attributes = posix_spawnattr_t()
    var none = sigset_t()
    unsafe sigemptyset(&none)
    unsafe posix_spawnattr_init(&attributes)
    unsafe posix_spawnattr_setsigmask(&attributes, &none)
    unsafe posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK))
    defer { unsafe posix_spawnattr_destroy(&attributes) }
    let status = unsafe posix_spawnp(
      &child, "sleep", nil, &attributes, [name, seconds, nil], environ)
    try #require(status == 0)
    self.child = child
    signal(SIGSTOP)
    try #require(waitpid(child, nil, WUNTRACED) == child)
  }

  /// As a request of its names it.
  var thread: UInt32 { UInt32(child) }

  func signal(_ number: CInt) { kill(child, number) }

  func end() {
    signal(SIGKILL)
    waitpid(child, nil, 0)
  }
}
