import ChaosProxy
import Lab
import LinuxIO

/// Drills 1, 2 and 5 with Linux's own target.
struct LinuxTargetDrill: Drill {
  let name = "lio"
  let action = """
    Linux's own target in a guest: its portal and sessions are taken away for 3 s and for 30 s, \
    then every connection is reset every 200 ms, under fio
    """
  let criterion = "I/O resumes within Time2Wait + 3 s; no error, every block verifies"
  /// Where packages for the guest are kept.
  let cache: String

  var objection: String? {
    Programs.objection(to: ["qemu-system-x86_64"], package: "qemu-system-x86")
      ?? Programs.objection(to: ["xz"], package: "xz-utils")
  }

  func run(_ stage: Stage, _ verdict: inout Verdict) async throws {
    let guest = try await LinuxGuest.start(stage, cache: cache, mebibytes: 64)
    verdict.note(guest.title)
    let proxy = try ChaosProxy(stage.lab, before: guest.port)
    let target = try await MountedTarget.start(stage, name: guest.targetName, port: proxy.port)
    let file = try await target.plainFile()
    for away in [3, stage.scale.seconds(30, short: 5)] {
      let load = try FioLoad.start(stage, file, seconds: away + 10, rate: "2m")
      let probe = try Probe.start(stage, target.file(), "--offset", "\(60 << 20)")
      try await Task.sleep(for: .seconds(2))
      try await guest.withdraw()
      try await stage.wait(away, "the target is away")
      let back = MonotonicTime.now
      try await guest.present()
      try await stage.expect("I/O goes on") { probe.calls.firstSuccess(after: back) != nil }
      let outcome = try await load.finish()
      let calls = await probe.stop()
      let first = calls.firstSuccess(after: back)
      verdict.time(
        "away for \(away) s: resumed after", first.map { back.duration(to: $0.end) } ?? .zero,
        atMost: TargetRestart.resumeLimit, for: 4)
      verdict.require(calls.failures.isEmpty, "calls failed: \(calls.errorText)")
      verdict.note(outcome.text, for: 2)
      verdict.require(outcome.isClean, "fio: error \(outcome.error): \(outcome.said)")
    }
    let seconds = stage.scale.seconds(120, short: 6)
    proxy.disturb(Disturbance(resetMilliseconds: 200...200))
    stage.say("  connections are reset: \(seconds) s")
    let load = try FioLoad.start(stage, file, seconds: seconds, rate: "2m")
    let outcome = try await load.finish(patience: .seconds(180))
    proxy.disturb(Disturbance())
    verdict.note("\(proxy.counts.resets) resets: \(outcome.text)", for: 2)
    verdict.require(outcome.isClean, "fio: error \(outcome.error): \(outcome.said)")
    try await target.finish(&verdict)
  }
}
