import Glibc
import LinuxIO

/// A program this process started, known by its id until it is reaped, in a session of its own.
///
/// It gets no terminal and no descriptor but the three standard ones, and is killed when this
/// process ends: what a killed test run leaves behind would hold ports and devices.
/// Belongs to one thread.
package final class OwnedProcess {
  /// Where one of the program's standard streams goes.
  package enum Stream: Sendable {
    case null
    /// A pipe whose other end is `input`, `output` or `error`.
    case pipe
    /// Appended to a file.
    case file(String)
  }

  package let processID: Int32
  /// Our ends of the pipes.
  private(set) var input: StreamEnd?
  let output: StreamEnd?
  let error: StreamEnd?
  private var exitStatus: Int32?

  /// - Parameter arguments: the program, found on PATH, and its arguments.
  package init(
    _ arguments: [String], input: Stream = .null, output: Stream, error: Stream
  ) throws(GuestError) {
    let streams = [input, output, error]
    var ours: [StreamEnd?] = []
    var theirs: [StreamEnd?] = []
    for (number, stream) in streams.enumerated() {
      guard case .pipe = stream else {
        ours.append(nil)
        theirs.append(nil)
        continue
      }
      let pair = try StreamEnd.pair()
      // Standard input is read by the program, the others are written by it.
      theirs.append(number == 0 ? pair.reading : pair.writing)
      ours.append(number == 0 ? pair.writing : pair.reading)
    }
    let command = ["setpriv", "--pdeathsig", "KILL", "--"] + arguments
    processID = try ParentThread.shared.run { [theirs] in
      Result { () throws(GuestError) in try Self.spawn(command, streams, theirs) }
    }.get()
    self.input = ours[0]
    self.output = ours[1]
    self.error = ours[2]
  }

  deinit { kill() }

  /// The exit status, 128 + signal where a signal ended it; nil while it runs.
  package var status: Int32? {
    if exitStatus == nil {
      var status: Int32 = 0
      // SAFETY: the status outlives the call; nobody else waits for this id.
      if unsafe waitpid(processID, &status, WNOHANG) == processID {
        let signal = status & 0x7F
        exitStatus = signal == 0 ? status >> 8 & 0xFF : 128 + signal
      }
    }
    return exitStatus
  }

  /// Tells the program that nothing more comes.
  func closeInput() { input = nil }

  /// Waits for the end; nil when `limit` passes first.
  package func wait(_ limit: Duration) -> Int32? {
    let deadline = ContinuousClock.now.advanced(by: limit)
    while status == nil, ContinuousClock.now < deadline { usleep(2_000) }
    return status
  }

  /// Ends it and what it started in its session, if it still runs, and waits until it is gone.
  package func kill() {
    guard status == nil else { return }
    _ = Glibc.kill(-processID, SIGKILL)
    _ = wait(.seconds(10))
  }

  private static func spawn(
    _ arguments: [String], _ streams: [Stream], _ pipes: [StreamEnd?]
  ) throws(GuestError) -> pid_t {
    var argv = unsafe arguments.map { unsafe strdup($0) } + [nil]
    defer { for index in unsafe argv.indices { unsafe free(argv[index]) } }
    var actions = unsafe posix_spawn_file_actions_t()
    var attributes = posix_spawnattr_t()
    // SAFETY: initialised and destroyed here; the strings live until the call has returned.
    unsafe posix_spawn_file_actions_init(&actions)
    unsafe posix_spawnattr_init(&attributes)
    defer {
      unsafe posix_spawn_file_actions_destroy(&actions)
      unsafe posix_spawnattr_destroy(&attributes)
    }
    for number in 0..<3 {
      let target = CInt(number)
      let mode = number == 0 ? O_RDONLY : O_WRONLY
      switch streams[number] {
      case .null:
        unsafe posix_spawn_file_actions_addopen(&actions, target, "/dev/null", mode, 0)
      case .file(let path):
        unsafe posix_spawn_file_actions_addopen(
          &actions, target, path, mode | O_CREAT | O_APPEND, 0o600)
      case .pipe:
        if let end = pipes[number] {
          unsafe posix_spawn_file_actions_adddup2(&actions, end.descriptor.rawValue, target)
        }
      }
    }
    // Closing what is not open is no error.
    for number in 3..<CInt(256) { unsafe posix_spawn_file_actions_addclose(&actions, number) }
    var none = sigset_t()
    var all = sigset_t()
    unsafe sigemptyset(&none)
    unsafe sigfillset(&all)
    unsafe posix_spawnattr_setsigmask(&attributes, &none)
    unsafe posix_spawnattr_setsigdefault(&attributes, &all)
    // POSIX_SPAWN_SETSID, which the importer does not show, SETSIGDEF and SETSIGMASK.
    unsafe posix_spawnattr_setflags(&attributes, 0x80 | 0x04 | 0x08)
    var processID: pid_t = 0
    let error = unsafe posix_spawnp(&processID, arguments[0], &actions, &attributes, &argv, environ)
    guard error == 0 else {
      throw .failed("\(arguments[0]) does not start: errno \(error)")
    }
    return processID
  }
}
