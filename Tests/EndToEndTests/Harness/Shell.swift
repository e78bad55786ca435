import Glibc
import Synchronization

/// What a script came to.
struct ShellResult: Sendable, CustomStringConvertible {
  /// 128 + signal where a signal ended it, -1 where it did not end in time.
  let status: Int32
  /// Standard output and standard error, as they came.
  let output: String
  let script: String

  var lines: [String] { output.split(separator: "\n").map(String.init) }
  /// The output without the newline at its end.
  var value: String { output.hasSuffix("\n") ? String(output.dropLast()) : output }
  var description: String { "[\(status)] \(script)\n\(output)" }
}

/// Runs bash scripts as a person at a terminal would, each with a limit.
enum Shell {
  private static let counter = Atomic(0)

  /// Runs `script` to its end; past the limit it and its children are killed.
  static func run(
    _ script: String, in directory: String = "/", environment: [String: String] = [:],
    limit: Duration = .seconds(60), prelude: String = ""
  ) async -> ShellResult {
    let number = counter.add(1, ordering: .relaxed).newValue
    let output = Lab.temporaryDirectory + "/iscsifs-e2e-\(getpid())-\(number).out"
    // SAFETY: the path is a C string for the call.
    defer { _ = unsafe unlink(output) }
    do throws(ManagedProcess.Failure) {
      let process = try ManagedProcess(
        ["bash", "-c", "cd \"$0\" || exit\n\(prelude)\n\(script)", directory], output: output,
        environment: environment)
      if let status = await process.wait(limit) {
        return ShellResult(status: status, output: process.output, script: script)
      }
      let isGone = await process.killGroup()
      return ShellResult(
        status: -1,
        output: process.output + "(no end within \(limit)\(isGone ? "" : ", and unkillable"))\n",
        script: script)
    } catch {
      return ShellResult(status: -1, output: error.description, script: script)
    }
  }
}
