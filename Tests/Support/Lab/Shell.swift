import Glibc
import Synchronization

/// Runs bash scripts as a person at a terminal would, each with a limit.
package enum Shell {
  private static let counter = Atomic(0)

  /// Runs `script` to its end; past the limit it and its children are killed.
  package static func run(
    _ script: String, in directory: String = "/", environment: [String: String] = [:],
    limit: Duration = .seconds(60), prelude: String = ""
  ) async -> ShellResult {
    let number = counter.add(1, ordering: .relaxed).newValue
    let output = Lab.temporaryDirectory + "/iscsifs-lab-\(getpid())-\(number).out"
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
