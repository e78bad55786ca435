import Glibc
import Lab

/// Programs run to their end, with a limit: what they read from may never answer.
enum Command {
  struct Result {
    let status: Int32
    let output: String
  }

  /// Ends the program at the limit, and at once when the benchmark is told to end.
  static func run(
    _ arguments: [String], in lab: Lab, environment: [String: String] = [:], limit: Duration
  ) async throws -> Result {
    try Task.checkCancellation()
    let path = lab.fresh("output")
    let process = try ManagedProcess(arguments, output: path, environment: environment)
    let status = await withTaskCancellationHandler {
      await process.wait(limit)
    } onCancel: {
      process.signalGroup(SIGKILL)
    }
    try Task.checkCancellation()
    guard let status else {
      let isGone = await process.killGroup()
      throw BenchmarkFailure(
        "\(arguments[0]) did not end within \(limit)\(isGone ? "" : " and cannot be killed")")
    }
    return Result(status: status, output: process.output)
  }

  /// As `run`, for what must succeed.
  static func expect(
    _ arguments: [String], in lab: Lab, environment: [String: String] = [:], limit: Duration
  ) async throws -> String {
    let result = try await run(arguments, in: lab, environment: environment, limit: limit)
    guard result.status == 0 else {
      let last = result.output.split(separator: "\n").suffix(2).joined(separator: " ")
      throw BenchmarkFailure("\(arguments[0]) failed with status \(result.status): \(last)")
    }
    return result.output
  }
}
