import Lab
import LinuxIO

/// Drill 12: somebody aborts the kernel's connection to the daemon.
struct ConnectionAbort: Drill {
  let name = "12"
  let action = "the FUSE connection is aborted (/sys/fs/fuse/connections/N/abort) under load"
  let criterion = "callers get an error within 2 s; the daemon logs out and exits 0 within 10 s"

  func run(_ stage: Stage, _ verdict: inout Verdict) async throws {
    let scene = try await TgtScene.start(stage)
    let target = scene.target
    let probes = try (0..<4).map { number in
      try Probe.start(
        stage, target.file(), "--offset", "\(number << 20)", "--interval", "1",
        "--bytes", number < 2 ? "512" : "65536", number % 2 == 0 ? "--write" : "--sync")
    }
    try await stage.expect("calls go on") { probes.allSatisfy { $0.calls.count > 10 } }
    let start = MonotonicTime.now
    try await FUSEControl.abort(stage, target.mount.path)
    try await stage.expect("errors") { probes.allSatisfy { !$0.calls.failures.isEmpty } }
    var first: [Duration] = []
    for probe in probes {
      let failures = await probe.stop().failures
      first += failures.prefix(1).map { start.duration(to: $0.end) }
      verdict.require(
        failures.allSatisfy { [103, 107].contains($0.error) }, failures.errorText)
    }
    verdict.time("callers had an error after", first.max() ?? .zero, atMost: .seconds(2), for: 3)
    let status = await target.mount.waitForEnd(.seconds(20))
    verdict.time("daemon ended after", start.elapsed, atMost: .seconds(10), for: 3)
    verdict.require(status == 0, "exit status \(status.map { "\($0)" } ?? "none")")
    verdict.require(await scene.daemon.sessionCount() == 0, "the target still has a session")
    await target.stopWatching()
  }
}
