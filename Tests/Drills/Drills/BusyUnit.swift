import Lab
import LinuxIO
import TargetSimulator

/// Drill 20: a target has no time, for a while and for ever.
struct BusyUnit: Drill {
  private static let ioError: Int32 = 5
  /// node.session.queue_depth as it is by itself.
  private static let fullDepth = 32

  let name = "20"
  let action = "every command ends with BUSY, then with TASK SET FULL, for 10 s; then BUSY for ever"
  let criterion = """
    no error and I/O within 3 s of the end of it; queue_depth is halved and back within 30 s; for \
    ever: EIO at replacement_timeout + 5 s (the last two not in the short form)
    """
  let objection: String? = nil

  func run(_ stage: Stage, _ verdict: inout Verdict) async throws {
    let seconds = stage.scale.seconds(10, short: 2)
    let limit = 40
    let scene = try await SimulatedScene.start(
      stage, [1: SimulatedScene.unit(1)],
      settings: ["node.session.timeo.replacement_timeout = \(limit)"])
    let target = scene.target
    let load = try await FioLoad.start(
      stage, target.plainFile(), seconds: 2 * seconds + stage.scale.seconds(55, short: 4),
      mebibytes: 24)
    let probe = try Probe.start(stage, target.file(), "--offset", "\(30 << 20)")
    for (words, result) in [
      ("BUSY", CommandResult.busy), ("TASK SET FULL", .taskSetFull),
    ] {
      try await Task.sleep(for: .seconds(1))
      scene.answer(result)
      try await stage.wait(seconds, words)
      let depth = await self.depth(target)
      verdict.require((1...Self.fullDepth / 2).contains(depth), "queue_depth is \(depth)")
      let end = MonotonicTime.now
      scene.answer(nil)
      try await stage.expect("I/O goes on") { probe.calls.firstSuccess(after: end) != nil }
      let first = probe.calls.firstSuccess(after: end)
      verdict.time(
        "\(words) \(seconds) s: I/O after", first.map { end.duration(to: $0.end) } ?? .zero,
        atMost: .seconds(3), for: 4)
      guard !stage.scale.isShort else { continue }
      try await stage.expect("queue_depth is back", .seconds(40)) {
        await self.depth(target) == Self.fullDepth
      }
      verdict.time(
        "queue_depth \(depth), then \(Self.fullDepth) after", end.elapsed, atMost: .seconds(30))
    }
    let outcome = try await load.finish()
    let calls = await probe.stop()
    verdict.note(outcome.text, for: 2)
    verdict.require(outcome.isClean, "fio: error \(outcome.error): \(outcome.said)")
    verdict.require(calls.failures.isEmpty, "calls failed: \(calls.errorText)")
    if !stage.scale.isShort {
      scene.answer(.busy)
      let caller = try Probe.start(stage, target.file(), "--count", "1", "--write")
      _ = try await stage.end(of: caller.process, .seconds(limit + 30))
      scene.answer(nil)
      verdict.require(
        caller.calls.last?.error == Self.ioError, "for ever: \(caller.calls.errorText)")
      verdict.time(
        "for ever: EIO after", caller.calls.longest, atMost: .seconds(limit + 5), for: 3)
    }
    verdict.require(target.lossCount == 0, "a session was lost")
    try await target.finish(&verdict)
  }

  /// Commands the LUN may have at its target now; 0 where nobody says so.
  private func depth(_ target: MountedTarget) async -> Int {
    Int(await target.shell("cat lun1.info/queue_depth").value) ?? 0
  }
}
