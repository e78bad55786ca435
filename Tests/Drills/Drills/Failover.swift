import ChaosProxy
import Lab
import LinuxIO
import TargetSimulator

/// Drill 8: a portal goes away while another of its group is there, and an address moves.
struct Failover: Drill {
  static let limit = Duration.seconds(10)

  let name = "8"
  let action = """
    of two portals one refuses, then the other, then one falls silent; a target's address moves to \
    another daemon with the same medium
    """
  let criterion = "I/O goes on within 10 s, of silence within 10 s after it is known; no error"

  func run(_ stage: Stage, _ verdict: inout Verdict) async throws {
    try await portals(stage, &verdict)
    try await movedAddress(stage, &verdict)
  }

  private func portals(_ stage: Stage, _ verdict: inout Verdict) async throws {
    let server = try SimulatedScene.serve(stage, [1: SimulatedScene.unit(1)])
    let proxies = try (0..<2).map { _ in try ChaosProxy(stage.lab, before: server.port) }
    let addresses = proxies.map { "\($0.address),1" }
    server.withPortal { $0.targets[0].addresses = addresses }
    let patience = stage.scale.isShort ? 1 : 5
    let target = try await MountedTarget.start(
      stage, .mount(proxies[0].address), name: SimulatedScene.name,
      options: [
        "node.conn[0].timeo.noop_out_interval=\(patience)",
        "node.conn[0].timeo.noop_out_timeout=\(patience)",
      ])
    let probe = try Probe.start(stage, target.file(), "--write")
    for (gone, words) in [(0, "first portal refuses"), (1, "second portal refuses")] {
      let start = MonotonicTime.now
      proxies[gone].disturb(Disturbance(refusesConnections: true))
      proxies[gone].reset()
      try await resume(stage, probe, start, "\(words): resumed after", Self.limit, &verdict)
      proxies[gone].disturb(Disturbance())
    }
    try await target.waitUntilLoggedIn()
    let start = MonotonicTime.now
    proxies[0].disturb(Disturbance(held: [.toTarget, .toInitiator]))
    try await resume(
      stage, probe, start, "a portal falls silent: resumed after",
      .seconds(2 * patience) + Self.limit, &verdict)
    proxies[0].disturb(Disturbance())
    let calls = await probe.stop()
    verdict.require(calls.failures.isEmpty, "calls failed: \(calls.errorText)")
    try await target.finish(&verdict)
  }

  private func movedAddress(_ stage: Stage, _ verdict: inout Verdict) async throws {
    let scene = try await TgtScene.start(stage)
    var unit = scene.daemon.targets[0].units[0]
    unit.backing = .path(scene.daemon.backingFile())
    let heir = try await TargetDaemon.start(
      stage.lab, [TargetDaemon.Target(name: TgtScene.name, units: [unit])])
    let probe = try Probe.start(stage, scene.target.file(), "--write")
    try await Task.sleep(for: .seconds(1))
    let start = MonotonicTime.now
    scene.proxy.move(to: heir.port)
    await scene.daemon.kill()
    try await resume(stage, probe, start, "address moved: resumed after", Self.limit, &verdict)
    let calls = await probe.stop()
    verdict.require(calls.failures.isEmpty, "calls failed: \(calls.errorText)")
    try await scene.target.finish(&verdict)
  }

  private func resume(
    _ stage: Stage, _ probe: Probe, _ start: MonotonicTime, _ what: String, _ limit: Duration,
    _ verdict: inout Verdict
  ) async throws {
    // What was under way when it happened may have been answered already: the next one counts.
    let settled = start.advanced(milliseconds: 60)
    try await stage.expect("I/O goes on", .seconds(60)) {
      probe.calls.firstSuccess(after: settled) != nil
    }
    let first = probe.calls.firstSuccess(after: settled)
    verdict.time(what, first.map { start.duration(to: $0.end) } ?? .zero, atMost: limit, for: 4)
  }
}
