import Lab
import LinuxIO
import TargetSimulator

/// Drill 19: unit attentions, eight in a row, again and again.
struct AttentionStorm: Drill {
  /// Resets, medium, LUNs and parameters changed.
  private static let attentions: [SenseData] =
    (0...7).map { SenseData(0x6, 0x29, $0) }
    + [
      SenseData(0x6, 0x28, 0x00), .reportedLUNsChanged, SenseData(0x6, 0x2A, 0x00),
      SenseData(0x6, 0x2A, 0x01), .capacityChanged,
    ]

  let name = "19"
  let action = "unit attentions 29/00-07, 28/00, 3F/0E, 2A/xx, eight in a row, under fio"
  let criterion = "no error, every block verifies, no session is lost"
  let objection: String? = nil

  func run(_ stage: Stage, _ verdict: inout Verdict) async throws {
    let rounds = stage.scale.seconds(60, short: 6)
    let scene = try await SimulatedScene.start(stage, [1: SimulatedScene.unit(1)])
    let load = try await FioLoad.start(
      stage, scene.target.plainFile(), seconds: rounds / 2 + 2, mebibytes: 24)
    let probe = try Probe.start(stage, scene.target.file(), "--offset", "\(30 << 20)")
    for round in 0..<rounds {
      try await Task.sleep(for: .milliseconds(500))
      scene.server.withPortal { portal in
        for index in 0..<8 {
          portal.targets[0].raise(Self.attentions[(round * 8 + index) % Self.attentions.count])
        }
      }
    }
    let outcome = try await load.finish()
    let calls = await probe.stop()
    verdict.note("\(rounds * 8) unit attentions", for: 2)
    verdict.note("\(outcome.text), longest wait \(outcome.longest.text)")
    verdict.require(outcome.isClean, "fio: error \(outcome.error): \(outcome.said)")
    verdict.require(calls.failures.isEmpty, "calls failed: \(calls.errorText)")
    verdict.require(scene.target.lossCount == 0, "a session was lost")
    try await scene.target.finish(&verdict)
  }
}
