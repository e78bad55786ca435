import CLinux
import Glibc
import SystemPackage

/// A process we started, known by its id alone.
struct ChildProcess: Sendable {
  private let processID: pid_t

  /// Starts `path` in a session of its own: no terminal, no descriptors of ours but `handed`.
  ///
  /// Standard error stays, so that what goes wrong before anything can be reported is seen.
  /// The corresponding C function is `posix_spawn`.
  static func startDetached(
    _ path: String, arguments: [String], handing handed: FileDescriptor, as number: Int32
  ) throws(Errno) -> ChildProcess {
    try unsafe withArguments(arguments) { argv throws(Errno) in
      var processID: pid_t = 0
      // SAFETY: argv and its strings live until the closure returns; the child has copies.
      let error = unsafe clinux_spawn_detached(&processID, path, argv, handed.rawValue, number)
      guard error == 0 else { throw Errno(rawValue: -error) }
      return ChildProcess(processID: processID)
    }
  }

  /// Runs a program found on PATH to its end; true when it exited with 0.
  static func run(_ program: String, _ arguments: [String]) throws(Errno) -> Bool {
    let child = try unsafe withArguments([program] + arguments) { argv throws(Errno) in
      var processID: pid_t = 0
      // SAFETY: argv and its strings live until the closure returns; the child has copies.
      let error = unsafe posix_spawnp(&processID, program, nil, nil, argv, environ)
      guard error == 0 else { throw Errno(rawValue: error) }
      return ChildProcess(processID: processID)
    }
    return child.wait() == "exit status 0"
  }

  /// Waits for the end; "exit status 1" or "signal 11".
  func wait() -> String {
    var status: Int32 = 0
    // SAFETY: the status outlives the call.
    while unsafe waitpid(processID, &status, 0) < 0 && errno == EINTR {}
    let signal = status & 0x7F
    return signal == 0 ? "exit status \(status >> 8 & 0xFF)" : "signal \(signal)"
  }

  func signal(_ number: Int32) { kill(processID, number) }

  /// Lends `arguments` as C has them: pointers to strings, a null one last.
  private static func withArguments<Value>(
    _ arguments: [String],
    _ body: (UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>) throws(Errno) -> Value
  ) throws(Errno) -> Value {
    // SAFETY: every string is our copy, freed after `body`; the last entry stays nil.
    let count = arguments.count + 1
    let argv = UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>.allocate(capacity: count)
    unsafe argv.initialize(repeating: nil, count: count)
    for (index, argument) in arguments.enumerated() { unsafe argv[index] = strdup(argument) }
    defer {
      for index in 0..<count { unsafe free(argv[index]) }
      unsafe argv.deallocate()
    }
    return try unsafe body(argv)
  }
}
