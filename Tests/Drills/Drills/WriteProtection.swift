import Lab
import LinuxIO
import TargetSimulator

/// Drill 18: a LUN cannot be written, from the beginning or from now on.
struct WriteProtection: Drill {
  private static let readOnly: Int32 = 30

  let name = "18"
  let action = "one LUN is write-protected, another becomes so under writes (7/27/00)"
  let criterion = "mode 0400 and EROFS to open for writing; then EROFS a write, reads go on"
  let objection: String? = nil

  func run(_ stage: Stage, _ verdict: inout Verdict) async throws {
    var protected = SimulatedScene.unit(2)
    protected.isWriteProtected = true
    let scene = try await SimulatedScene.start(stage, [1: SimulatedScene.unit(1), 2: protected])
    let target = scene.target
    let mode = await target.shell("stat -c %a lun2").value
    verdict.note("mode 0\(mode)")
    verdict.require(mode == "400", "mode is \(mode)")
    let opened = try Probe.start(stage, target.file(2), "--write", "--count", "1")
    _ = try await stage.end(of: opened.process, .seconds(10))
    verdict.require(
      opened.calls.map(\.error) == [Self.readOnly], "open for writing: \(opened.calls.errorText)")
    let readable = await target.shell("head -c 4096 lun2 | wc -c")
    verdict.require(readable.value == "4096", "it cannot be read: \(readable)")

    let writer = try Probe.start(stage, target.file(1), "--write", "--interval", "20")
    let reader = try Probe.start(stage, target.file(1), "--interval", "20")
    try await stage.expect("writes go on") { writer.calls.count > 5 }
    scene.change(1) { $0.configuration.isWriteProtected = true }
    try await stage.expect("errors") { writer.calls.failures.count > 20 }
    scene.change(1) { $0.configuration.isWriteProtected = false }
    let before = writer.calls.count
    try await stage.expect("writes go on again") {
      writer.calls.dropFirst(before).contains { $0.error == 0 }
    }
    let calls = await writer.stop()
    verdict.require(
      calls.failures.allSatisfy { $0.error == Self.readOnly }, "not EROFS: \(calls.errorText)")
    let reads = await reader.stop()
    verdict.require(reads.failures.isEmpty, "reads failed: \(reads.errorText)")
    verdict.note("\(calls.failures.count) writes EROFS, \(reads.count) reads without error")
    verdict.require(target.lossCount == 0, "a session was lost")
    try await target.finish(&verdict)
  }
}
