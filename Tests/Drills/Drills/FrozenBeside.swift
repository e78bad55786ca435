import Glibc
import Lab
import LinuxIO

/// The incumbent's day beside ours: one target is stopped under both.
struct FrozenBeside: Drill {
  /// One initiator's users.
  private struct Side {
    var name: String
    var file: String
    var isOurs: Bool
    var caller: Probe
    var victim: Probe
  }

  let name = "beside"
  let action = """
    one target, mounted by iscsifs and exported by qemu-storage-daemon, is stopped; one read of \
    4 KiB through each, another killed, then SIGTERM for both daemons
    """
  let criterion = """
    iscsifs: the read ends at replacement_timeout + 5 s, a caller dies within 2 s, the daemon ends \
    within 10 s
    """

  var objection: String? {
    Programs.objection(to: ["tgtd", "tgtadm"], package: "tgt")
      ?? Programs.objection(to: ["qemu-storage-daemon"], package: "qemu-system-common")
  }

  func run(_ stage: Stage, _ verdict: inout Verdict) async throws {
    let limit = stage.scale.seconds(120, short: 4)
    let bound = stage.scale.seconds(150, short: 8)
    let scene = try await TgtScene.start(
      stage,
      settings: ["node.session.timeo.replacement_timeout = \(limit)"]
        + (stage.scale.isShort
          ? ["node.conn[0].timeo.noop_out_interval = 1", "node.conn[0].timeo.noop_out_timeout = 1"]
          : []))
    let export = try await StorageDaemonExport.start(stage, scene.daemon, name: TgtScene.name)
    try await stage.require("dd if='\(export.path)' of=/dev/null bs=4096 count=1 status=none")
    scene.daemon.signal(SIGSTOP)
    // The target goes on before anything else is cleaned up: what waits for it ends by itself.
    defer { scene.daemon.signal(SIGCONT) }
    let start = MonotonicTime.now
    let sides = try [("iscsifs", scene.target.file(), true), ("qemu", export.path, false)].map {
      Side(
        name: $0, file: $1, isOurs: $2,
        caller: try Probe.start(stage, $1, "--count", "1", "--offset", "\(8 << 20)"),
        victim: try Probe.start(stage, $1, "--count", "1", "--offset", "\(9 << 20)"))
    }
    verdict.note("replacement_timeout \(limit) s")
    try await Task.sleep(for: .seconds(2))
    for side in sides { await killCaller(side, &verdict) }
    stage.say("  the target is stopped: \(bound) s")
    while start.elapsed < .seconds(bound),
      sides.contains(where: { $0.caller.process.status == nil })
    {
      try await Task.sleep(for: .milliseconds(200))
    }
    for side in sides {
      let call = side.caller.calls.last { $0.error != 0 }
      if let call {
        verdict.note(
          "\(side.name): the read ended after \(start.duration(to: call.end).text)", for: 3)
      } else {
        verdict.note("\(side.name): the read had not ended after \(start.elapsed.text)", for: 3)
      }
      if side.isOurs {
        verdict.require(
          call?.error == TargetAway.severed
            && call.map { start.duration(to: $0.end) <= .seconds(limit + 5) } ?? false,
          "our read came to \(side.caller.calls.errorText)")
      }
    }
    try await endDaemons(stage, scene, export, &verdict)
  }

  private func killCaller(_ side: Side, _ verdict: inout Verdict) async {
    guard side.victim.process.status == nil else {
      return verdict.fail("\(side.name): the call did not wait")
    }
    let start = MonotonicTime.now
    side.victim.process.signal(SIGKILL)
    let isDead = await side.victim.process.wait(.seconds(10)) != nil
    verdict.note(
      isDead
        ? "\(side.name): a caller died of SIGKILL after \(start.elapsed.text)"
        : "\(side.name): a caller lived 10 s after SIGKILL", for: 3)
    if side.isOurs {
      verdict.require(isDead && start.elapsed < .seconds(2), "our caller could not be killed")
    }
  }

  private func endDaemons(
    _ stage: Stage, _ scene: TgtScene, _ export: StorageDaemonExport, _ verdict: inout Verdict
  ) async throws {
    await scene.target.stopWatching()
    for (name, isOurs, process) in [
      ("iscsifs", true, scene.target.mount.foreground), ("qemu", false, export.process),
    ] {
      guard let process else { continue }
      let start = MonotonicTime.now
      process.signal(SIGTERM)
      let hasEnded = await process.wait(.seconds(10)) != nil
      verdict.note(
        hasEnded
          ? "\(name): ended \(start.elapsed.text) after SIGTERM"
          : "\(name): ran 10 s after SIGTERM", for: 3)
      if isOurs { verdict.require(hasEnded, "our daemon did not end") }
    }
    let back = MonotonicTime.now
    scene.daemon.signal(SIGCONT)
    let hasEnded = await export.process.wait(.seconds(20)) != nil
    verdict.note(
      hasEnded
        ? "qemu: gone \(back.elapsed.text) after the target went on"
        : "qemu: still there 20 s after the target went on")
  }
}
