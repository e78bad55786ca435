import Glibc
import Lab
import LinuxIO

/// Drills 1 and 2: the target goes away in the middle of I/O and comes back.
struct TargetRestart: Drill {
  enum Manner: Sendable {
    case terminated
    case killed
  }

  /// DefaultTime2Wait as negotiated, and three seconds.
  static let resumeLimit = Duration.seconds(5)

  let manner: Manner
  var hasWriteCache = false

  var name: String { (manner == .terminated ? "1" : "2") + (hasWriteCache ? "-cache" : "") }
  var action: String {
    let how = manner == .terminated ? "ended with SIGTERM" : "killed with SIGKILL"
    return
      "the target is \(how) under fio and started again\(hasWriteCache ? ", write cache on" : "")"
  }
  var criterion: String { "I/O resumes within Time2Wait + 3 s; no error, every block verifies" }

  func run(_ stage: Stage, _ verdict: inout Verdict) async throws {
    let away = manner == .terminated ? 3 : stage.scale.seconds(30, short: 4)
    let scene = try await TgtScene.start(stage, hasWriteCache: hasWriteCache)
    let load = try await FioLoad.start(
      stage, scene.target.plainFile(), seconds: away + stage.scale.seconds(20, short: 8))
    let probe = try Probe.start(stage, scene.target.file(), "--offset", "\(60 << 20)")
    try await Task.sleep(for: .seconds(2))
    switch manner {
    case .killed: await scene.daemon.kill()
    case .terminated: await end(scene.daemon, &verdict)
    }
    try await stage.wait(away, "the target is away")
    let back = MonotonicTime.now
    try await scene.daemon.start()
    try await stage.expect("I/O goes on") { probe.calls.firstSuccess(after: back) != nil }
    let outcome = try await load.finish()
    let calls = await probe.stop()
    verdict.note("away for \(away) s")
    let first = calls.firstSuccess(after: back)
    verdict.time(
      "resumed after", first.map { back.duration(to: $0.end) } ?? .seconds(3600),
      atMost: Self.resumeLimit, for: 4)
    verdict.note("longest wait \(calls.longest.text)")
    verdict.require(calls.failures.isEmpty, "calls failed: \(calls.errorText)")
    verdict.note(outcome.text, for: 2)
    verdict.require(outcome.isClean, "fio: error \(outcome.error): \(outcome.said)")
    try await scene.target.finish(&verdict)
  }

  /// tgtd takes SIGTERM for nothing while it has targets: then its own command ends it.
  private func end(_ daemon: TargetDaemon, _ verdict: inout Verdict) async {
    daemon.signal(SIGTERM)
    if await eventually(.seconds(1), { !daemon.isRunning }) { return }
    _ = await daemon.administer("--op delete --force --mode target --tid 1")
    _ = await daemon.administer("--op delete --mode system")
    if await eventually(.seconds(2), { !daemon.isRunning }) { return }
    verdict.note("SIGKILL behind SIGTERM, which tgtd ignores")
    await daemon.kill()
  }
}
