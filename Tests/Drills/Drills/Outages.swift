import ChaosProxy
import Lab
import LinuxIO

/// Promise P4: how soon I/O goes on behind outages of any length.
struct Outages: Drill {
  let name = "outages"
  let action = "the path refuses connections for 2 to 12 s, again and again"
  let criterion = "no error; I/O goes on within 1 s (median), 17 s (worst) of the end of an outage"

  func run(_ stage: Stage, _ verdict: inout Verdict) async throws {
    let count = stage.scale.seconds(40, short: 3)
    let longest = stage.scale.seconds(12000, short: 3000)
    let scene = try await TgtScene.start(stage)
    let probe = try Probe.start(stage, scene.target.file(), "--write", "--interval", "20")
    var waits: [Duration] = []
    for number in 0..<count {
      scene.proxy.disturb(Disturbance(refusesConnections: true))
      scene.proxy.reset()
      try await Task.sleep(for: .milliseconds(Int.random(in: 2000...longest)))
      let end = MonotonicTime.now
      scene.proxy.disturb(Disturbance())
      try await stage.expect("I/O goes on") { probe.calls.firstSuccess(after: end) != nil }
      if let first = probe.calls.firstSuccess(after: end) {
        waits.append(end.duration(to: first.end))
      }
      if number % 10 == 9 { stage.say("  \(number + 1) of \(count)") }
      // Below Time2Wait, two seconds with tgt, that is what is waited for; and a session lost again
      // within a second waits for the rest of it.
      try await Task.sleep(for: .milliseconds(1100))
    }
    let calls = await probe.stop()
    verdict.require(calls.failures.isEmpty, "calls failed: \(calls.errorText)")
    let sorted = waits.sorted()
    verdict.note("\(count) outages", for: 4)
    verdict.time("back after (median)", sorted[sorted.count / 2], atMost: .seconds(1), for: 4)
    verdict.time("(worst)", sorted.last ?? .zero, atMost: .seconds(17), for: 4)
    try await scene.target.finish(&verdict)
  }
}
