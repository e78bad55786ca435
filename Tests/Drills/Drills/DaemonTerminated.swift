import Glibc
import ISCSI
import Lab
import LinuxIO
import TargetSimulator

/// Drill 10: the daemon is told to end, under load and with a target that does not answer.
struct DaemonTerminated: Drill {
  let name = "10"
  let action = """
    the daemon gets SIGTERM while a file with unflushed writes is open; another, whose target is \
    stopped, gets a second one 2 s later
    """
  let criterion = """
    what was written is flushed (SYNCHRONIZE CACHE), every session logs out, exit 0 within 10 s; \
    the second signal ends it within 2 s
    """

  func run(_ stage: Stage, _ verdict: inout Verdict) async throws {
    try await drained(stage, &verdict)
    try await forced(stage, &verdict)
  }

  private func drained(_ stage: Stage, _ verdict: inout Verdict) async throws {
    var configuration = SimulatedScene.unit(1)
    configuration.hasVolatileCache = true
    let scene = try await SimulatedScene.start(stage, [1: configuration])
    let target = scene.target
    let sessions = await target.shell("ls sessions | wc -l").value
    let probe = try Probe.start(stage, target.file(), "--write", "--interval", "5")
    try await stage.expect("writes go on") { probe.calls.count > 50 }
    let start = MonotonicTime.now
    target.mount.foreground?.signal(SIGTERM)
    let status = await target.mount.waitForEnd(.seconds(20))
    verdict.time("ended after", start.elapsed, atMost: .seconds(10), for: 3)
    verdict.require(status == 0, "exit status \(status.map { "\($0)" } ?? "none")")
    let calls = await probe.stop()
    let (operations, logouts) = scene.server.withPortal { portal in
      (portal.log.commands.map(\.operationCode), portal.log.receivedCounts[.logoutRequest] ?? 0)
    }
    // WRITE(10), WRITE(16); SYNCHRONIZE CACHE(10) and (16).
    let write = operations.lastIndex { [0x2A, 0x8A].contains($0) } ?? -1
    let flush = operations.lastIndex { [0x35, 0x91].contains($0) } ?? -2
    verdict.require(flush > write, "the last write was not flushed: \(operations.suffix(8))")
    verdict.require("\(logouts)" == sessions, "\(logouts) logouts of \(sessions) sessions")
    verdict.note(
      "\(calls.count { $0.error == 0 }) writes, flushed behind the last, \(logouts) logout(s)",
      for: 1)
    verdict.require(await !target.mount.isMounted(), "it is still mounted")
  }

  private func forced(_ stage: Stage, _ verdict: inout Verdict) async throws {
    let scene = try await TgtScene.start(stage)
    let mount = scene.target.mount
    scene.daemon.signal(SIGSTOP)
    defer { scene.daemon.signal(SIGCONT) }
    let waiting = try Probe.start(stage, scene.target.file(), "--count", "1")
    try await Task.sleep(for: .seconds(1))
    mount.foreground?.signal(SIGTERM)
    try await Task.sleep(for: .seconds(2))
    let isDraining = mount.isRunning
    let start = MonotonicTime.now
    mount.foreground?.signal(SIGTERM)
    let status = await mount.waitForEnd(.seconds(20))
    verdict.time(
      isDraining ? "second signal: ended after" : "ended before the second signal;",
      start.elapsed, atMost: .seconds(2), for: 3)
    verdict.note("status \(status.map { "\($0)" } ?? "none")")
    verdict.require(status != nil, "it goes on")
    _ = try await stage.end(of: waiting.process, .seconds(5))
    verdict.require(await !mount.isMounted(), "it is still mounted")
  }
}
