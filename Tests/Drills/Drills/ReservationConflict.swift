import Lab
import LinuxIO
import TargetSimulator

/// Drill 17: another initiator has a LUN reserved.
struct ReservationConflict: Drill {
  let name = "17"
  let action = "every command for one LUN ends with RESERVATION CONFLICT"
  let criterion = "EBADE at once (100 ms), no task management, no login; the other LUN works"
  let objection: String? = nil

  func run(_ stage: Stage, _ verdict: inout Verdict) async throws {
    let scene = try await SimulatedScene.start(
      stage, [1: SimulatedScene.unit(1), 2: SimulatedScene.unit(2)])
    let target = scene.target
    let connections = scene.connectionCount
    let neighbour = try Probe.start(stage, target.file(1), "--write")
    let reserved = try Probe.start(stage, target.file(2), "--write", "--interval", "20")
    try await stage.expect("writes go on") { reserved.calls.count > 5 }
    scene.answer(.reservationConflict, lun: 2)
    let start = MonotonicTime.now
    try await stage.expect("errors") { reserved.calls.failures.count > 20 }
    scene.answer(nil)
    let end = MonotonicTime.now
    try await stage.expect("writes go on again") {
      reserved.calls.firstSuccess(after: end) != nil
    }
    let calls = await reserved.stop().filter { $0.start > start && $0.end < end }
    verdict.require(calls.failures.allSatisfy { $0.error == 52 }, "not EBADE: \(calls.errorText)")
    verdict.require(calls.failures.count == calls.count, "some succeeded")
    verdict.time("\(calls.count) writes failed within", calls.longest, atMost: .milliseconds(100))
    verdict.require(scene.taskManagementCount == 0, "task management was asked for")
    verdict.require(scene.connectionCount == connections, "there were new connections")
    let others = await neighbour.stop()
    verdict.require(others.failures.isEmpty, "the other LUN: \(others.errorText)")
    verdict.note("other LUN: \(others.count) writes, no error", for: 5)
    try await target.finish(&verdict)
  }
}
