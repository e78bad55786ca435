import ISCSI
import Lab
import LinuxIO
import TargetSimulator

/// The simulated target, where a target has to misbehave, and a mount of it.
struct SimulatedScene: Sendable {
  static let name = "iqn.2026-11.org.iscsifs:simulated"

  /// The server, which the lab stops.
  private struct Served: Resource {
    let server: SimulatorServer

    func end() async { server.stop() }
  }

  let server: SimulatorServer
  let target: MountedTarget

  /// Serves one target without mounting it.
  static func serve(
    _ stage: Stage, _ units: [Int: SimulatedLogicalUnit.Configuration],
    parameters: TargetParameters = TargetParameters()
  ) throws -> SimulatorServer {
    let target = SimulatedTarget(name: name, parameters: parameters)
    for (lun, configuration) in units { target.add(SimulatedLogicalUnit(configuration), lun: lun) }
    let server = try SimulatorServer(SimulatedPortal(targets: [target]))
    stage.lab.own(Served(server: server))
    return server
  }

  static func start(
    _ stage: Stage, _ units: [Int: SimulatedLogicalUnit.Configuration],
    parameters: TargetParameters = TargetParameters(), settings: [String] = []
  ) async throws -> SimulatedScene {
    let server = try serve(stage, units, parameters: parameters)
    let target = try await MountedTarget.start(
      stage, name: name, port: server.port, settings: settings)
    return SimulatedScene(server: server, target: target)
  }

  /// A LUN of 32 MiB with an identity of its own.
  static func unit(_ identity: UInt32) -> SimulatedLogicalUnit.Configuration {
    SimulatedLogicalUnit.Configuration(blockCount: 65536, identity: identity)
  }

  /// Ends every command so from now on, those of one LUN or of all; nil ends that.
  func answer(_ result: CommandResult?, lun: Int? = nil) {
    server.withPortal { portal in
      let number = lun.map(SimulatedTarget.encoded(lun:))
      let makeFaults: () -> [any ConnectionFault] = {
        result.map {
          [OutcomeFault(.result($0), logicalUnitNumber: number, count: .max)]
        } ?? []
      }
      portal.faultsForConnection = { _ in makeFaults() }
      for connection in portal.connections { connection.faults = makeFaults() }
    }
  }

  /// Changes a unit behind everybody's back.
  func change(_ lun: Int, _ body: @Sendable (SimulatedLogicalUnit) -> Void) {
    server.withPortal { portal in
      if let unit = portal.targets[0].logicalUnit(SimulatedTarget.encoded(lun: lun)) { body(unit) }
    }
  }

  /// Task management functions asked for so far.
  var taskManagementCount: Int { server.withPortal { $0.log.taskManagementRequestCount } }

  /// Connections so far.
  var connectionCount: Int { server.withPortal { $0.log.connectionCount } }
}
