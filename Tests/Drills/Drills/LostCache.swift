import Lab
import LinuxIO
import TargetSimulator

/// Drill 23: the target's power goes with what its volatile cache held.
struct LostCache: Drill {
  let name = "23"
  let action = "answered writes lie in a volatile cache when the target's power goes; then fsync"
  let criterion = """
    fsync is 0 only if the bytes are on the medium, else EIO once; with nothing unflushed it is 0
    """
  let objection: String? = nil

  func run(_ stage: Stage, _ verdict: inout Verdict) async throws {
    var configuration = SimulatedScene.unit(1)
    configuration.hasVolatileCache = true
    let scene = try await SimulatedScene.start(stage, [1: configuration])
    let target = scene.target
    let rounds = stage.scale.seconds(20, short: 2)
    var refusals = 0
    for round in 0..<rounds {
      let write = await target.shell(
        """
        head -c 262144 /dev/urandom > \(stage.lab.path)/wanted
        dd if=\(stage.lab.path)/wanted of=lun1 bs=64k oflag=direct conv=notrunc status=none
        """)
      guard write.status == 0 else { throw DrillFailure("\(write)") }
      try await cyclePower(scene)
      if await target.shell("sync lun1").status != 0 {
        refusals += 1
        let again = await target.shell("sync lun1")
        verdict.require(again.status == 0, "round \(round): a second fsync failed: \(again.value)")
        continue
      }
      // What fsync has promised outlives the next loss.
      try await cyclePower(scene)
      let same = await target.shell("cmp -n 262144 lun1 \(stage.lab.path)/wanted")
      verdict.require(same.status == 0, "round \(round): fsync said 0 and bytes are lost: \(same)")
    }
    verdict.note(
      "\(rounds) losses of power: fsync 0 with the bytes there \(rounds - refusals) times, "
        + "EIO once \(refusals) times", for: 1)
    let flushed = await target.shell(
      "dd if=/dev/urandom of=lun1 bs=64k count=4 conv=notrunc,fsync status=none; echo $?")
    try await cyclePower(scene)
    let nothingToLose = await target.shell("sync lun1")
    verdict.require(flushed.value == "0" && nothingToLose.status == 0, "\(nothingToLose)")
    try await target.finish(&verdict)
  }

  private func cyclePower(_ scene: SimulatedScene) async throws {
    let connections = scene.connectionCount
    scene.server.withPortal { $0.powerCycle() }
    try await scene.target.stage.expect("the session is back") {
      guard scene.connectionCount > connections else { return false }
      return await scene.target.state() == "LOGGED_IN"
    }
  }
}
