import Glibc
import Lab
import LinuxIO

/// Where a drill plays: a lab, how long it may last, and somebody who hears how it goes.
struct Stage: Sendable {
  let lab: Lab
  let scale: Scale
  /// This program, which also makes the calls that are measured.
  let tool: String
  let say: @Sendable (String) -> Void

  /// Waits, telling every ten seconds what for.
  func wait(_ seconds: Int, _ what: String) async throws {
    say("  \(what): \(seconds) s")
    let end = MonotonicTime.now.advanced(milliseconds: UInt64(seconds) * 1000)
    var told = seconds
    while true {
      let left = MonotonicTime.now.milliseconds(until: end)
      if left == 0 { return }
      try await Task.sleep(for: .milliseconds(min(left, 1000)))
      if told - Int(left / 1000) >= 30 {
        told = Int(left / 1000)
        say("  \(what): \(told) s left")
      }
    }
  }

  /// Waits for something that has to come.
  func expect(_ what: String, _ limit: Duration = .seconds(30), _ holds: () async -> Bool)
    async throws
  {
    let clock = ContinuousClock()
    let deadline = clock.now.advanced(by: limit)
    while await !holds() {
      try Task.checkCancellation()
      guard clock.now < deadline else { throw DrillFailure("within \(limit.text) not: \(what)") }
      try await Task.sleep(for: .milliseconds(20))
    }
  }

  /// Waits for a program's end; it is ended at the limit, and when everything is.
  func end(of process: ManagedProcess, _ limit: Duration) async throws -> Int32 {
    let status = await withTaskCancellationHandler {
      await process.wait(limit)
    } onCancel: {
      process.signalGroup(SIGKILL)
    }
    try Task.checkCancellation()
    guard let status else {
      await process.killGroup()
      throw DrillFailure(
        "a program did not end within \(limit.text): \(process.output.suffix(200))")
    }
    return status
  }

  /// Runs a script that has to succeed.
  @discardableResult
  func require(_ script: String, limit: Duration = .seconds(60)) async throws -> ShellResult {
    let result = await lab.shell(script, limit: limit)
    guard result.status == 0 else { throw DrillFailure("\(result)") }
    return result
  }
}

extension MonotonicTime {
  func duration(to later: MonotonicTime) -> Duration {
    .nanoseconds(Int64(later.nanoseconds) - Int64(nanoseconds))
  }

  /// How long ago it was.
  var elapsed: Duration { duration(to: .now) }
}
