import Glibc

/// A program started here, known by its id.
struct Child {
  let processID: pid_t

  /// Starts a program found on PATH; what it writes goes to a file.
  init(_ arguments: [String], output: String) throws {
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
    unsafe posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
    unsafe posix_spawn_file_actions_addopen(
      &actions, 1, output, O_WRONLY | O_CREAT | O_APPEND, 0o600)
    unsafe posix_spawn_file_actions_adddup2(&actions, 1, 2)
    for number in 3..<Int32(256) { unsafe posix_spawn_file_actions_addclose(&actions, number) }
    // A group of its own, so that an interrupt of ours does not end it before its unmount.
    unsafe posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETPGROUP))
    var processID: pid_t = 0
    let error = unsafe posix_spawnp(
      &processID, arguments[0], &actions, &attributes, &argv, environ)
    guard error == 0 else {
      throw ScaleBench.Failure(description: "\(arguments[0]) does not start: errno \(error)")
    }
    self.processID = processID
  }

  /// Runs a program to its end.
  static func run(_ arguments: [String], output: String = "/dev/null") throws {
    let status = try Child(arguments, output: output).wait()
    guard status == 0 else {
      throw ScaleBench.Failure(
        description: "\(arguments.joined(separator: " ")) ended with \(status)")
    }
  }

  /// Waits for the end; 128 + signal where a signal ended it.
  func wait() -> Int32 {
    var status: Int32 = 0
    // SAFETY: the status outlives the call.
    while unsafe waitpid(processID, &status, 0) < 0 && errno == EINTR {}
    return status & 0x7F == 0 ? status >> 8 & 0xFF : 128 + status & 0x7F
  }

  var isRunning: Bool {
    // SAFETY: no status is asked for.
    waitpid(processID, nil, WNOHANG) == 0
  }
}
