import Glibc
import Lab
import LinuxIO

/// Drill 4: the target stops as it stands, and goes on.
struct FrozenTarget: Drill {
  let name = "4"
  let action = "the target is stopped (SIGSTOP) for 3 s, 20 s and 300 s under fio"
  let criterion = """
    3 s: nothing happens; 20 s: recovered, no error; 300 s: calls end with ENOLINK at \
    replacement_timeout + 5 s; a caller can be killed within 2 s at any time
    """

  func run(_ stage: Stage, _ verdict: inout Verdict) async throws {
    // Short: a path is given up after 2 s, I/O after 4 s.
    let isShort = stage.scale.isShort
    let limit = stage.scale.seconds(120, short: 6)
    let scene = try await TgtScene.start(
      stage,
      settings: ["node.session.timeo.replacement_timeout = \(limit)"]
        + (isShort
          ? ["node.conn[0].timeo.noop_out_interval = 2", "node.conn[0].timeo.noop_out_timeout = 2"]
          : []))
    let brief = isShort ? 1 : 3
    let middle = stage.scale.seconds(20, short: 5)
    let load = try await FioLoad.start(
      stage, scene.target.plainFile(), seconds: brief + middle + stage.scale.seconds(20, short: 5))
    let probe = try Probe.start(stage, scene.target.file(), "--offset", "\(60 << 20)")
    try await Task.sleep(for: .seconds(1))

    try await freeze(scene, brief)
    verdict.require(scene.target.lossCount == 0, "a stop of \(brief) s lost the session")
    verdict.note("\(brief) s: no session lost")

    let back = try await freeze(scene, middle)
    try await stage.expect("I/O goes on") { probe.calls.firstSuccess(after: back) != nil }
    let calls = await probe.stop()
    let outcome = try await load.finish()
    let first = calls.firstSuccess(after: back)
    verdict.time(
      "\(middle) s: resumed after", first.map { back.duration(to: $0.end) } ?? .zero,
      atMost: .seconds(5), for: 4)
    verdict.require(calls.failures.isEmpty, "calls failed: \(calls.errorText)")
    verdict.note(outcome.text, for: 2)
    verdict.require(outcome.isClean, "fio: error \(outcome.error): \(outcome.said)")
    try await long(stage, scene, limit, &verdict)
    try await scene.target.finish(&verdict)
  }

  /// Returns when it went on.
  @discardableResult
  private func freeze(_ scene: TgtScene, _ seconds: Int) async throws -> MonotonicTime {
    scene.daemon.signal(SIGSTOP)
    defer { scene.daemon.signal(SIGCONT) }
    try await scene.target.stage.wait(seconds, "the target is stopped")
    return .now
  }

  private func long(
    _ stage: Stage, _ scene: TgtScene, _ limit: Int, _ verdict: inout Verdict
  ) async throws {
    let seconds = stage.scale.seconds(300, short: 12)
    scene.daemon.signal(SIGSTOP)
    defer { scene.daemon.signal(SIGCONT) }
    let start = MonotonicTime.now
    let file = scene.target.file()
    let pending = try ["--write", "--cached"].enumerated().map { number, option in
      try Probe.start(stage, file, "--count", "1", "--offset", "\((number + 30) << 20)", option)
    }
    stage.say("  the target is stopped: \(seconds) s")
    var deaths: [Duration] = []
    while start.elapsed < .seconds(seconds) {
      for signal in [SIGTERM, SIGKILL, SIGINT] {
        guard let death = try await death(of: file, by: signal, stage) else { continue }
        deaths.append(death)
      }
      try await Task.sleep(for: .seconds(stage.scale.seconds(10, short: 1)))
    }
    let back = MonotonicTime.now
    scene.daemon.signal(SIGCONT)
    verdict.note("\(seconds) s, replacement_timeout \(limit) s")
    for probe in pending {
      _ = try await stage.end(of: probe.process, .seconds(20))
      let calls = probe.calls
      verdict.require(
        calls.last?.error == TargetAway.severed, "a pending call ended so: \(calls.errorText)")
      verdict.time("a pending call ended after", calls.longest, atMost: .seconds(limit + 5), for: 3)
    }
    verdict.require(!deaths.isEmpty, "no caller was there to be killed")
    verdict.time(
      "\(deaths.count) waiting callers killed within", deaths.max() ?? .zero, atMost: .seconds(2),
      for: 3)
    let probe = try Probe.start(stage, file, "--interval", "100", "--count", "400")
    try await stage.expect("I/O works again", .seconds(40)) {
      probe.calls.firstSuccess(after: back) != nil
    }
    let calls = await probe.stop()
    verdict.time(
      "works again after",
      calls.firstSuccess(after: back).map { back.duration(to: $0.end) } ?? .zero,
      atMost: .seconds(20), for: 4)
  }

  /// How long a caller that waits lives behind a signal; nil when it does not wait, because calls
  /// fail at once.
  private func death(of file: String, by signal: Int32, _ stage: Stage) async throws -> Duration? {
    let probe = try Probe.start(stage, file, "--count", "1", "--offset", "\(50 << 20)")
    try await Task.sleep(for: .milliseconds(Int.random(in: 100...1500)))
    guard probe.process.status == nil else { return nil }
    let start = MonotonicTime.now
    probe.process.signal(signal)
    _ = await probe.process.wait(.seconds(30))
    return start.elapsed
  }
}
