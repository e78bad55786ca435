import ChaosProxy
import Lab
import LinuxIO
import TargetSimulator

/// Drill 7: the path is slow, uneven, and cuts what it carries.
struct Jitter: Drill {
  let name = "7"
  let action = """
    every piece is 0 to 500 ms late; then segments of one byte; then answers to different commands \
    mixed, late
    """
  let criterion = "no error, every block verifies, no session is lost"

  func run(_ stage: Stage, _ verdict: inout Verdict) async throws {
    let seconds = stage.scale.seconds(60, short: 3)
    let scene = try await TgtScene.start(stage)
    let file = try await scene.target.plainFile()
    let late = Disturbance(delayMilliseconds: 0...500)
    try await work(stage, file, scene.proxy, late, "late", seconds, &verdict)
    let cut = Disturbance(segmentByteCount: 1)
    try await work(stage, file, scene.proxy, cut, "cut", seconds, &verdict)
    verdict.require(scene.target.lossCount == 0, "\(scene.target.lossCount) sessions lost")
    try await scene.target.finish(&verdict)
    try await mixed(stage, seconds, &verdict)
  }

  private func work(
    _ stage: Stage, _ file: String, _ proxy: ChaosProxy, _ disturbance: Disturbance,
    _ what: String, _ seconds: Int, _ verdict: inout Verdict
  ) async throws {
    proxy.disturb(disturbance)
    defer { proxy.disturb(Disturbance()) }
    stage.say("  \(what): \(seconds) s")
    let load = try FioLoad.start(stage, file, seconds: seconds, mebibytes: 8, rate: "256k")
    let outcome = try await load.finish(patience: .seconds(240))
    verdict.note("\(what): \(outcome.text), longest wait \(outcome.longest.text)", for: 2)
    verdict.require(outcome.isClean, "\(what): fio: error \(outcome.error): \(outcome.said)")
  }

  private func mixed(_ stage: Stage, _ seconds: Int, _ verdict: inout Verdict) async throws {
    let server = try SimulatedScene.serve(stage, [1: SimulatedScene.unit(1)])
    server.withPortal { $0.faultsForConnection = { _ in [InterleaveFault()] } }
    let proxy = try ChaosProxy(stage.lab, before: server.port)
    let target = try await MountedTarget.start(stage, name: SimulatedScene.name, port: proxy.port)
    let late = Disturbance(delayMilliseconds: 0...50, segmentByteCount: 1000)
    let file = try await target.plainFile()
    try await work(stage, file, proxy, late, "mixed", seconds, &verdict)
    verdict.require(target.lossCount == 0, "\(target.lossCount) sessions lost")
    try await target.finish(&verdict)
  }
}
