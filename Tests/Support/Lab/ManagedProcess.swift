import FoundationEssentials
package import Glibc
import Synchronization

/// A program this process started, known by its id until it is reaped, in a session of its own.
///
/// What it writes goes to a file: a pipe would live as long as any daemon that inherited it.
package final class ManagedProcess: Sendable {
  package struct Failure: Error, CustomStringConvertible {
    package let description: String
    /// What the program ended with, where it ended.
    package let status: Int32?

    package init(description: String, status: Int32? = nil) {
      self.description = description
      self.status = status
    }
  }

  package let processID: pid_t
  package let outputPath: String
  /// 128 + signal where a signal ended it; nil while it runs.
  private let exitStatus = Mutex<Int32?>(nil)
  /// Names the process for whoever has to end what a killed run left behind.
  private let recordPath: String

  /// - Parameter arguments: the program, found on PATH, and its arguments.
  package init(
    _ arguments: [String], output: String, environment: [String: String] = [:]
  ) throws(Failure) {
    outputPath = output
    var values = ProcessInfo.processInfo.environment
    values["LC_ALL"] = "C"
    values.merge(environment) { $1 }
    var argv = unsafe arguments.map { unsafe strdup($0) } + [nil]
    var envp = unsafe values.map { unsafe strdup("\($0.key)=\($0.value)") } + [nil]
    defer {
      for index in unsafe argv.indices { unsafe free(argv[index]) }
      for index in unsafe envp.indices { unsafe free(envp[index]) }
    }
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
    // Closing what is not open is no error.
    for number in 3..<Int32(256) { unsafe posix_spawn_file_actions_addclose(&actions, number) }
    // Signals as a shell gives them, whatever the caller blocks or ignores.
    var none = sigset_t()
    var all = sigset_t()
    unsafe sigemptyset(&none)
    unsafe sigfillset(&all)
    unsafe posix_spawnattr_setsigmask(&attributes, &none)
    unsafe posix_spawnattr_setsigdefault(&attributes, &all)
    // POSIX_SPAWN_SETSID, which the importer does not show, SETSIGDEF and SETSIGMASK.
    unsafe posix_spawnattr_setflags(&attributes, 0x80 | 0x04 | 0x08)
    var processID: pid_t = 0
    let error = unsafe posix_spawnp(&processID, arguments[0], &actions, &attributes, &argv, &envp)
    guard error == 0 else {
      throw Failure(description: "\(arguments[0]) does not start: errno \(error)")
    }
    self.processID = processID
    recordPath = Lab.temporaryDirectory + "/iscsifs-lab-\(processID).pid"
    try? Data("\(processID)\n".utf8).write(to: URL(filePath: recordPath))
  }

  /// Nobody is left to wait for it: a failed run must not leave programs behind.
  deinit {
    guard status == nil else { return }
    kill(-processID, SIGKILL)
    // SAFETY: the path is a C string for the call.
    _ = unsafe unlink(recordPath)
  }

  /// Everything written so far.
  package var output: String {
    (try? Data(contentsOf: URL(filePath: outputPath)))
      .map { String(decoding: $0, as: UTF8.self) } ?? ""
  }

  /// The exit status, nil while it runs.
  package var status: Int32? {
    exitStatus.withLock { known in
      if known != nil { return known }
      var status: Int32 = 0
      // SAFETY: the status outlives the call; nobody else waits for this id.
      guard unsafe waitpid(processID, &status, WNOHANG) == processID else { return nil }
      let signal = status & 0x7F
      known = signal == 0 ? status >> 8 & 0xFF : 128 + signal
      _ = unsafe unlink(recordPath)
      return known
    }
  }

  /// Waits for the end; nil when `limit` passes first.
  package func wait(_ limit: Duration) async -> Int32? {
    let clock = ContinuousClock()
    let deadline = clock.now.advanced(by: limit)
    var pause = Duration.milliseconds(1)
    while true {
      if let status { return status }
      if clock.now >= deadline { return nil }
      try? await Task.sleep(for: pause)
      if Task.isCancelled { sched_yield() }
      pause = min(pause * 2, .milliseconds(20))
    }
  }

  /// Sends a signal; nothing when it has ended, when the id may be another's.
  package func signal(_ number: Int32) {
    exitStatus.withLock { if $0 == nil { _ = kill(processID, number) } }
  }

  /// Sends a signal to it and to what it started in its session.
  package func signalGroup(_ number: Int32) {
    exitStatus.withLock { if $0 == nil { _ = kill(-processID, number) } }
  }

  /// Ends it and what it started in its session; false when it cannot be killed.
  @discardableResult
  package func killGroup() async -> Bool {
    signalGroup(SIGKILL)
    return await wait(.seconds(10)) != nil
  }
}
