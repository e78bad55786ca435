import ChaosProxy
import Lab
import LinuxIO

/// Drill 6: one direction of the path carries nothing any more, and nobody says so.
struct Silence: Drill {
  let name = "6"
  let action = "one direction of the path is blocked, then the other, then both"
  let criterion =
    "known within noop_out_interval + noop_out_timeout + 1 s; no error once it is open"

  func run(_ stage: Stage, _ verdict: inout Verdict) async throws {
    let patience = stage.scale.isShort ? 1 : 5
    let scene = try await TgtScene.start(
      stage,
      settings: [
        "node.conn[0].timeo.noop_out_interval = \(patience)",
        "node.conn[0].timeo.noop_out_timeout = \(patience)",
      ])
    let probe = try Probe.start(stage, scene.target.file(), "--write")
    for (words, held) in [
      ("to the target", [Direction.toTarget]), ("from the target", [.toInitiator]),
      ("both ways", [.toTarget, .toInitiator]),
    ] {
      try await scene.target.waitUntilLoggedIn()
      let losses = scene.target.lossCount
      let start = MonotonicTime.now
      scene.proxy.disturb(Disturbance(held: Set(held)))
      try await stage.expect("the loss is known", .seconds(60)) {
        scene.target.lossCount > losses
      }
      verdict.time(
        "\(words): known after", start.elapsed, atMost: .seconds(2 * patience + 1), for: 3)
      try await Task.sleep(for: .seconds(1))
      let open = MonotonicTime.now
      scene.proxy.disturb(Disturbance())
      try await stage.expect("I/O goes on") { probe.calls.firstSuccess(after: open) != nil }
      let first = probe.calls.firstSuccess(after: open)
      verdict.time(
        "resumed after", first.map { open.duration(to: $0.end) } ?? .zero, atMost: .seconds(5),
        for: 4)
    }
    let calls = await probe.stop()
    verdict.require(calls.failures.isEmpty, "calls failed: \(calls.errorText)")
    verdict.note("\(calls.count) writes")
    try await scene.target.finish(&verdict)
  }
}
