import Lab
import LinuxIO
import TargetSimulator

/// Drill 16: a LUN is taken away while it is open, and another comes in its place.
struct LUNRemoved: Drill {
  let name = "16"
  let action = "an open LUN is removed (3F/0E, then 5/25/00); another comes under its number"
  let criterion = """
    ENXIO for who has it open; the file is gone within 5 s of the last close; what comes under its \
    number is another inode; the other LUN notices nothing
    """
  let objection: String? = nil

  func run(_ stage: Stage, _ verdict: inout Verdict) async throws {
    let scene = try await SimulatedScene.start(
      stage, [1: SimulatedScene.unit(1), 2: SimulatedScene.unit(2)])
    let target = scene.target
    let inode = await target.shell("stat -c %i lun2").value
    let neighbour = try Probe.start(stage, target.file(1), "--write")
    let holder = try Probe.start(stage, target.file(2), "--write")
    try await stage.expect("writes go on") { holder.calls.count > 5 && neighbour.calls.count > 5 }
    let start = MonotonicTime.now
    scene.server.withPortal { $0.targets[0].remove(lun: 2) }
    try await stage.expect("an error") { !holder.calls.failures.isEmpty }
    try await Task.sleep(for: .seconds(1))
    let held = holder.calls
    verdict.time(
      "first ENXIO after", held.failures.first.map { start.duration(to: $0.end) } ?? .zero,
      atMost: .seconds(5))
    verdict.require(held.failures.allSatisfy { $0.error == 6 }, "not ENXIO: \(held.errorText)")
    _ = await holder.stop()
    let closed = MonotonicTime.now
    try await stage.expect("lun2 is gone") { await target.shell("[ ! -e lun2 ]").status == 0 }
    verdict.time("file gone after", closed.elapsed, atMost: .seconds(5))

    scene.server.withPortal {
      $0.targets[0].add(SimulatedLogicalUnit(SimulatedScene.unit(3)), lun: 2)
    }
    try await stage.expect("the new lun2 is there") {
      await target.shell("head -c 512 lun2 >/dev/null").status == 0
    }
    let other = await target.shell("stat -c %i lun2").value
    verdict.require(other != inode && !other.isEmpty, "inode \(inode) again")
    verdict.note("inode \(inode), then \(other)", for: 7)
    let calls = await neighbour.stop()
    verdict.require(calls.failures.isEmpty, "the other LUN: \(calls.errorText)")
    verdict.require(target.lossCount == 0, "a session was lost")
    verdict.note("other LUN: \(calls.count) writes, no error", for: 5)
    try await target.finish(&verdict)
  }
}
