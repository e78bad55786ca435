import FoundationEssentials
import Lab

extension Bench {
  /// One round of `job` by a contender.
  ///
  /// CPU time is read before and after; what opening and closing the file costs is in it.
  func measure(
    _ job: Job, by contender: Contender, placement: Placement, seconds: Double
  ) async throws -> Sample {
    let before = counters(of: contender)
    let done =
      switch (job, contender.contestant) {
      case (.fio(let job), .iscsiPerf):
        try await perf(job, on: contender, placement, seconds)
      case (.fio(let job), _):
        try await fio(job, on: contender, placement, seconds)
      case (.command, .iscsiPerf):
        throw BenchmarkFailure("iscsi-perf has no file")
      case (.command(let job), _):
        try await command(job, on: contender, placement)
      }
    let after = counters(of: contender)
    guard done.count > 0 else { throw ReportError.nothingDone }
    // A process that is gone has no counters; what it did cannot be told.
    if contender.processID != nil, after.initiator <= before.initiator {
      throw BenchmarkFailure("\(contender.contestant.name) ended while it was measured")
    }
    let processor =
      done.processorSeconds.map { $0 * 1e6 }
      ?? Double(after.initiator - before.initiator) / 1000
    return Sample(
      rate: done.rate, bytesPerSecond: done.bytesPerSecond,
      processorMicroseconds: processor / done.count,
      targetMicroseconds: Double(after.target - min(before.target, after.target)) / 1000
        / done.count,
      latency: done.latency)
  }

  /// What a round came to, before CPU time is divided by it.
  private struct Work {
    /// I/Os, or MiB.
    var count: Double
    /// Of these a second.
    var rate: Double
    var bytesPerSecond: Double
    var latency: Latency?
    /// Where the load reports its own.
    var processorSeconds: Double?
  }

  private func counters(of contender: Contender) -> (initiator: UInt64, target: UInt64) {
    (
      contender.processID.map(ProcessorTime.nanoseconds(of:)) ?? 0,
      ProcessorTime.nanoseconds(of: target.processID)
    )
  }

  private func fio(
    _ job: FioJob, on contender: Contender, _ placement: Placement, _ seconds: Double
  ) async throws -> Work {
    let report = lab.fresh("fio.json")
    defer { try? FileManager.default.removeItem(atPath: report) }
    _ = try await Command.expect(
      prefix(placement) + ["fio", "--filename=\(FioJob.escaped(contender.path))"]
        + job.arguments(seconds: seconds) + ["--output=\(report)"], in: lab,
      limit: .seconds(seconds + 20))
    let result = try FioReport(
      parsing: String(contentsOf: URL(filePath: report), encoding: .utf8))
    return Work(
      count: Double(result.operations), rate: result.operationsPerSecond,
      bytesPerSecond: result.bytesPerSecond, latency: result.latency)
  }

  private func perf(
    _ job: FioJob, on contender: Contender, _ placement: Placement, _ seconds: Double
  ) async throws -> Work {
    // Whole seconds, and no writes: what it writes is not asked for here.
    guard job.kind == .randread else { throw BenchmarkFailure("iscsi-perf only reads") }
    let time = max(1, Int(seconds.rounded()))
    let script =
      "iscsi-perf -r -m \(job.depth) -b \(job.blockBytes / 512) -t \(time) '\(contender.path)'"
      + " && times"
    let output = try await Command.expect(
      prefix(placement) + ["bash", "-c", script], in: lab, limit: .seconds(seconds + 20))
    let result = try PerfReport(parsing: output)
    return Work(
      count: result.operationsPerSecond * Double(time), rate: result.operationsPerSecond,
      bytesPerSecond: result.operationsPerSecond * Double(job.blockBytes),
      processorSeconds: result.processorSeconds)
  }

  private func command(
    _ job: CommandJob, on contender: Contender, _ placement: Placement
  ) async throws -> Work {
    // The shell's clock, which is read right before and after.
    let script = "a=$EPOCHREALTIME; \(job.script) || exit; echo $((${EPOCHREALTIME/.} - ${a/.}))"
    let output = try await Command.expect(
      prefix(placement) + ["bash", "-c", script], in: lab, environment: ["F": contender.path],
      limit: .seconds(120))
    guard let line = output.split(separator: "\n").last, let microseconds = Double(line),
      microseconds > 0
    else { throw ReportError.noFigure("the shell") }
    let count = Double(job.mebibytes)
    let rate = count / microseconds * 1e6
    return Work(count: count, rate: rate, bytesPerSecond: rate * 1_048_576)
  }

  private func prefix(_ placement: Placement) -> [String] {
    placement == .pinned ? ["taskset", "--cpu-list", "\(Processor.last)"] : []
  }
}
