import Lab
import LinuxIO

/// Drill 11: umount while calls are under way.
struct UnmountUnderLoad: Drill {
  let name = "11"
  let action = "umount, then umount -l, while four callers read and write"
  let criterion = """
    umount: busy; umount -l: calls go on without error until the files are closed, then logout and \
    exit 0
    """

  func run(_ stage: Stage, _ verdict: inout Verdict) async throws {
    let scene = try await TgtScene.start(stage)
    let target = scene.target
    let probes = try (0..<4).map { number in
      try Probe.start(
        stage, target.file(), "--offset", "\(number << 20)", "--interval", "1",
        number < 2 ? "--write" : "--cached")
    }
    try await stage.expect("calls go on") { probes.allSatisfy { $0.calls.count > 10 } }
    let refused = await target.mount.unmount()
    verdict.require(
      refused.status != 0 && refused.output.contains("busy"), "umount: \(refused.output)")
    await target.stopWatching()
    try await stage.require("umount -l '\(target.mount.path)'")
    let start = MonotonicTime.now
    try await Task.sleep(for: .seconds(2))
    verdict.require(await scene.daemon.sessionCount() > 0, "logged out under its users")
    var count = 0
    for probe in probes {
      let calls = await probe.stop()
      verdict.require(calls.failures.isEmpty, "calls failed: \(calls.errorText)")
      count += calls.count { $0.start > start }
    }
    verdict.require(count > 0, "nobody called after umount -l")
    verdict.note("busy; \(count) calls after umount -l, no error")
    let closed = MonotonicTime.now
    let status = await target.mount.waitForEnd(.seconds(20))
    verdict.time("ended after the last close in", closed.elapsed, atMost: .seconds(10), for: 3)
    verdict.require(status == 0, "exit status \(status.map { "\($0)" } ?? "none")")
    verdict.require(await scene.daemon.sessionCount() == 0, "the target still has a session")
  }
}
