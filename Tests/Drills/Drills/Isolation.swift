import ChaosProxy
import Lab
import LinuxIO

/// Promise P5: what one bad target costs another of the same mount.
struct Isolation: Drill {
  private struct Speed {
    var perSecond: Double
    var slowest: Duration
  }

  let name = "isolation"
  let action = """
    two targets of one mount, of which one is idle; then four callers use it while each of its \
    connections is reset five times a second, or it is silent; the other is read all the time
    """
  let criterion = """
    the other's calls have no error, at most 10 % fewer a second than beside the idle one, p99 at \
    most twice
    """

  func run(_ stage: Stage, _ verdict: inout Verdict) async throws {
    let rounds = stage.scale.seconds(9, short: 3)
    let scene = try await TgtScene.start(stage)
    let bad = try await TargetDaemon.start(
      stage.lab,
      [
        TargetDaemon.Target(
          name: "iqn.2026-11.org.iscsifs:bad", units: [.init(lun: 1, hasWriteCache: false)])
      ])
    let proxy = try ChaosProxy(stage.lab, before: bad.port)
    let mount = scene.target.mount
    try await stage.require(
      "echo 'add iqn.2026-11.org.iscsifs:bad \(proxy.address),1' > '\(mount.path)/control' && "
        + "echo login > '\(mount.path)/targets/iqn.2026-11.org.iscsifs:bad/control'")
    let state = "'\(mount.path)/targets/iqn.2026-11.org.iscsifs:bad/state'"
    let file = "\(mount.path)/targets/iqn.2026-11.org.iscsifs:bad/lun1"
    let good = scene.target.file()
    for (words, disturbance) in [
      ("reset", Disturbance(resetMilliseconds: 200...200)),
      ("silent", Disturbance(held: [.toTarget, .toInitiator])),
    ] {
      // It is there and nobody uses it: all it costs the other one is in what is compared. What
      // else the machine does changes meanwhile, so each time lies between two such times.
      var idle = [try await idleSpeed(stage, good, state, proxy)]
      var rates: [Double] = []
      var tails: [Double] = []
      for _ in 0..<rounds {
        proxy.disturb(disturbance)
        let callers = try callers(stage, file)
        let during = try await speed(stage, good)
        for caller in callers { _ = await caller.stop() }
        idle.append(try await idleSpeed(stage, good, state, proxy))
        let beside = idle.suffix(2)
        let perSecond = beside.map(\.perSecond).reduce(0, +) / 2
        let slowest = beside.map(\.slowest).reduce(.zero, +) / 2
        rates.append(during.perSecond / perSecond)
        tails.append(during.slowest / slowest)
      }
      let rate = rates.sorted()[rates.count / 2]
      let tail = tails.sorted()[tails.count / 2]
      verdict.note(
        "\(words): \(Int((rate * 100).rounded())) % of the calls a second, p99 "
          + "\(Int((tail * 100).rounded())) % (medians of \(rounds))", for: 5)
      verdict.require(rate >= 0.9, "\(words): \(Int((rate * 100).rounded())) % a second")
      verdict.require(tail <= 2, "\(words): p99 \(Int((tail * 100).rounded())) %")
    }
    proxy.disturb(Disturbance())
    try await scene.target.finish(&verdict)
  }

  /// The good target's speed beside the bad one as it is when it is well.
  private func idleSpeed(
    _ stage: Stage, _ good: String, _ state: String, _ proxy: ChaosProxy
  ) async throws -> Speed {
    proxy.disturb(Disturbance())
    try await stage.expect("the bad target is good", .seconds(60)) {
      await stage.lab.shell("cat \(state)").value == "LOGGED_IN"
    }
    return try await speed(stage, good)
  }

  /// Users of the bad target's LUN: two that write, two that read.
  private func callers(_ stage: Stage, _ file: String) throws -> [Probe] {
    try (0..<4).map { number in
      try Probe.start(
        stage, file, "--offset", "\(number << 20)", "--interval", "1",
        number < 2 ? "--write" : "--cached")
    }
  }

  /// Reads of 4 KiB, one after the other, for some seconds.
  private func speed(_ stage: Stage, _ file: String) async throws -> Speed {
    let seconds = stage.scale.seconds(2, short: 1)
    let probe = try Probe.start(stage, file, "--interval", "0")
    try await Task.sleep(for: .seconds(seconds))
    let calls = await probe.stop().filter { $0.kind == "read" }
    guard calls.failures.isEmpty, calls.count > 100 else {
      throw DrillFailure("the good target: \(calls.count) calls, \(calls.errorText)")
    }
    let sorted = calls.map(\.duration).sorted()
    return Speed(
      perSecond: Double(calls.count) / Double(seconds), slowest: sorted[sorted.count * 99 / 100])
  }
}
