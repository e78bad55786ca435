import Lab
import LinuxIO

/// Drill 3: the target goes away and does not come back for longer than anybody waits.
struct TargetAway: Drill {
  /// What a caller gets past replacement_timeout: "Link has been severed".
  static let severed: Int32 = 67

  let name = "3"
  let action = "the target is killed and stays away beyond replacement_timeout"
  let criterion = """
    pending calls end with ENOLINK at replacement_timeout + 5 s at most, later ones within 10 ms; \
    work again within 20 s of its return
    """

  func run(_ stage: Stage, _ verdict: inout Verdict) async throws {
    let limit = stage.scale.seconds(120, short: 4)
    let scene = try await TgtScene.start(
      stage, settings: ["node.session.timeo.replacement_timeout = \(limit)"])
    let file = scene.target.file()
    await scene.daemon.kill()
    let pending = try (0..<4).map { number in
      try Probe.start(
        stage, file, "--count", "1", "--offset", "\(number << 20)",
        number % 2 == 0 ? "--write" : "--cached")
    }
    try await stage.wait(limit, "calls wait")
    var waits: [Duration] = []
    for probe in pending {
      _ = try await stage.end(of: probe.process, .seconds(20))
      let calls = probe.calls
      // An open waits as the calls do.
      waits.append(calls.longest)
      verdict.require(
        calls.last?.error == Self.severed, "a pending call ended so: \(calls.errorText)")
    }
    verdict.note("replacement_timeout \(limit) s")
    verdict.time(
      "pending calls ended after at most", waits.max() ?? .zero, atMost: .seconds(limit + 5), for: 3
    )
    verdict.require(
      waits.allSatisfy { $0 > .seconds(limit) - .seconds(2) }, "one ended too early: \(waits)")
    try await laterCalls(stage, file, &verdict)
    let back = MonotonicTime.now
    let probe = try Probe.start(stage, file, "--interval", "100", "--count", "400")
    try await scene.daemon.start()
    try await stage.expect("I/O works again", .seconds(40)) {
      probe.calls.firstSuccess(after: back) != nil
    }
    let calls = await probe.stop()
    verdict.time(
      "works again after",
      calls.firstSuccess(after: back).map { back.duration(to: $0.end) } ?? .zero,
      atMost: .seconds(20), for: 4)
    try await scene.target.finish(&verdict)
  }

  private func laterCalls(_ stage: Stage, _ file: String, _ verdict: inout Verdict) async throws {
    let later = try Probe.start(stage, file, "--count", "100", "--interval", "5")
    _ = try await stage.end(of: later.process, .seconds(30))
    let calls = later.calls.filter { $0.kind != "open" }
    verdict.require(
      !calls.isEmpty && calls.allSatisfy { $0.error == Self.severed },
      "a later call ended so: \(calls.errorText)")
    let sorted = calls.map(\.duration).sorted()
    // The machine may be busy with something else: the slowest is told, not judged.
    verdict.time(
      "\(calls.count) later ones, 19 of 20 within", sorted[max(0, sorted.count * 19 / 20 - 1)],
      atMost: .milliseconds(10), for: 3)
    verdict.note("the slowest \(sorted.last?.text ?? "-")")
  }
}
