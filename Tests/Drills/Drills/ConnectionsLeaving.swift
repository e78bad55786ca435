import ISCSI
import Lab
import LinuxIO
import TargetSimulator

/// Row M15: the connections of one session leave by turns, and others come in their places.
struct ConnectionsLeaving: Drill {
  private static let connections = 3

  let name = "connections"
  let action = """
    of a session's three connections one after the other is asked to log out (Async 1), every \
    1.7 s under fio
    """
  let criterion = "no error, every block verifies, the session stays; all three are back at the end"
  let objection: String? = nil

  func run(_ stage: Stage, _ verdict: inout Verdict) async throws {
    let seconds = stage.scale.seconds(600, short: 6)
    var parameters = TargetParameters()
    parameters.maxConnections = Self.connections
    let scene = try await SimulatedScene.start(
      stage, [1: SimulatedScene.unit(1)], parameters: parameters,
      settings: ["node.session.iscsi.MaxConnections = \(Self.connections)"])
    try await stage.expect("three connections") { await count(stage, scene) == Self.connections }
    let load = try await FioLoad.start(
      stage, scene.target.plainFile(), seconds: seconds, mebibytes: 24)
    var asked = 0
    while load.isRunning, asked * 17 < seconds * 10 {
      try await Task.sleep(for: .milliseconds(1_700))
      if scene.askForLogout(asked) { asked += 1 }
    }
    let outcome = try await load.finish()
    verdict.note("\(asked) connections left", for: 2)
    verdict.note(outcome.text, for: 2)
    verdict.note("longest wait \(outcome.longest.text)", for: 4)
    verdict.require(outcome.isClean, "fio: error \(outcome.error): \(outcome.said)")
    verdict.require(scene.target.lossCount == 0, "the session was lost")
    verdict.require(
      scene.connectionCount >= asked, "\(asked) left, \(scene.connectionCount) were made")
    try await stage.expect("three connections again") {
      await count(stage, scene) == Self.connections
    }
    try await scene.target.finish(&verdict)
  }

  /// The connections shown.
  private func count(_ stage: Stage, _ scene: SimulatedScene) async -> Int {
    let target = "\(scene.target.mount.path)/targets/\(scene.target.name)"
    let directory = "\(target)/sessions/1/connections"
    return Int(await stage.lab.shell("ls '\(directory)' | wc -l").value) ?? 0
  }
}

extension SimulatedScene {
  /// Asks one of the session's connections to be logged out, by turns; false where only one is
  /// left.
  fileprivate func askForLogout(_ turn: Int) -> Bool {
    server.withPortal { portal in
      guard let connections = portal.targets.first?.sessions.first?.connections,
        connections.count > 1
      else { return false }
      connections[turn % connections.count].sendAsync(.logoutRequested, parameters: (0, 0, 2))
      return true
    }
  }
}
