import Glibc
import Lab
import LinuxIO

/// Drill 26: the clock of the day jumps.
///
/// Only for the daemon: a library loaded before libc adds what a file says to CLOCK_REALTIME.
struct ClockJump: Drill {
  private static let day = 86400

  let name = "26"
  let action = """
    the daemon's clock of the day jumps a day ahead, a day back and two days ahead, idle and while \
    the target is stopped for 3 s
    """
  let criterion = "no timer fires: no session lost, no error; a dropped one comes back as ever"

  var objection: String? {
    Programs.isExecutable(library) ? Programs.objection(to: ["tgtd"], package: "tgt") : library
  }
  /// libClockJump.so.
  let library: String

  func run(_ stage: Stage, _ verdict: inout Verdict) async throws {
    let offset = try stage.lab.write("0\n", mode: 0o644, name: "offset")
    let scene = try await TgtScene.start(
      stage, environment: ["LD_PRELOAD=\(library)", "CLOCK_JUMP_FILE=\(offset)"])
    let target = scene.target
    let probe = try Probe.start(stage, target.file(), "--write")
    for days in [1, 0, 2, -1] {
      try await stage.require("echo \(days * Self.day) > '\(offset)'")
      try await Task.sleep(for: .seconds(stage.scale.seconds(12, short: 1)))
      scene.daemon.signal(SIGSTOP)
      defer { scene.daemon.signal(SIGCONT) }
      try await stage.require("echo \((days - 1) * Self.day) > '\(offset)'")
      try await Task.sleep(for: .seconds(stage.scale.seconds(3, short: 1)))
      scene.daemon.signal(SIGCONT)
      try await Task.sleep(for: .seconds(1))
    }
    verdict.require(target.lossCount == 0, "\(target.lossCount) sessions lost")
    verdict.note("8 jumps, \(probe.calls.count) writes, no session lost", for: 3)
    // Proof that the daemon's clock is another: its event bears the day it believes in.
    try await stage.require("echo \(10 * Self.day) > '\(offset)'")
    let start = MonotonicTime.now
    let dropped = await target.shell("echo drop > sessions/1/control")
    verdict.require(dropped.status == 0, "drop: \(dropped.value)")
    try await stage.expect("I/O goes on") { probe.calls.firstSuccess(after: start) != nil }
    try await target.waitUntilLoggedIn()
    verdict.time("a dropped session is back after", start.elapsed, atMost: .seconds(5), for: 4)
    let day = await stage.lab.shell("date -u -d '+10 days' +%F").value
    verdict.require(target.eventText.contains(day), "no event of \(day): the jump did not reach it")
    let calls = await probe.stop()
    verdict.require(calls.failures.isEmpty, "calls failed: \(calls.errorText)")
    try await stage.require("echo 0 > '\(offset)'")
    try await target.finish(&verdict)
  }
}
