import ISCSI
import Lab

@testable import TargetSimulator

/// The simulated target served in this process, stopped at the lab's end.
final class SimulatedPortalServer: Resource {
  private let server: SimulatorServer

  var address: String { server.address }
  var port: UInt16 { server.port }

  /// - Parameter discovery: CHAP for discovery sessions; nil lets everyone ask.
  init(
    _ lab: Lab, _ targets: sending [SimulatedTarget],
    discovery: CHAPAuthenticator.Credentials? = nil
  ) throws {
    let portal = SimulatedPortal(targets: targets)
    portal.discoveryCredentials = discovery
    server = try SimulatorServer(portal)
    lab.own(self)
  }

  /// From here on every new connection has these faults.
  func setFaults(_ faults: @escaping @Sendable () -> [any ConnectionFault]) {
    server.withPortal { $0.faultsForConnection = { _ in faults() } }
  }

  /// The faults of new connections, by their number from 0.
  func setFaults(_ faults: @escaping @Sendable (_ connection: Int) -> [any ConnectionFault]) {
    server.withPortal { $0.faultsForConnection = faults }
  }

  /// Connections so far.
  var connectionCount: Int { server.withPortal { $0.log.connectionCount } }

  /// From here on commands with these operation codes are unknown to every target: service action
  /// READ CAPACITY(16) excepted.
  func refuse(_ operationCodes: Set<UInt8>) {
    server.withPortal { portal in
      for connection in portal.connections {
        connection.faults.append(
          OutcomeFault.check(.invalidOperationCode, operationCodes: operationCodes, count: .max))
      }
    }
  }

  /// From here on the sessions with the target have these faults.
  func setSessionFaults(_ faults: @escaping @Sendable () -> [any ConnectionFault]) {
    server.withPortal { portal in
      for connection in portal.connections where connection.session?.target != nil {
        connection.faults = faults()
      }
    }
  }

  /// Looks at the connections of the first target's first session, the oldest first.
  func withSession(_ body: @Sendable ([TargetConnection]) -> Void) {
    server.withPortal { portal in
      if let session = portal.targets.first?.sessions.first { body(session.connections) }
    }
  }

  /// Looks at or changes the first target.
  func withTarget(_ body: @Sendable (SimulatedTarget) -> Void) {
    server.withPortal { portal in
      if let target = portal.targets.first { body(target) }
    }
  }

  /// PDUs of an opcode that came.
  func count(received opcode: Opcode) -> Int {
    server.withPortal { $0.log.receivedCounts[opcode, default: 0] }
  }

  /// PDUs of an opcode that left.
  func count(sent opcode: Opcode) -> Int {
    server.withPortal { $0.log.sentCounts[opcode, default: 0] }
  }

  /// Every SCSI command that came, in order.
  var commands: [LoggedCommand] { server.withPortal { $0.log.commands } }

  /// Changes every logical unit of the first target, without telling anyone.
  func change(_ body: @Sendable (SimulatedLogicalUnit) -> Void) {
    server.withPortal { portal in
      for unit in portal.targets[0].logicalUnits.values { body(unit) }
    }
  }

  /// What the first target's only unit holds; with its power gone, what has been flushed of it.
  func contents(at offset: UInt64, count: Int, losingPower: Bool) -> [UInt8] {
    server.withPortal { portal in
      guard let unit = portal.targets[0].logicalUnits.values.first else { return [] }
      if losingPower { unit.powerCycle() }
      return unit.contents(at: offset, count: count)
    }
  }

  /// Task management functions that were asked for.
  var taskManagementRequestCount: Int {
    server.withPortal { $0.log.taskManagementRequestCount }
  }

  /// Resets every connection, as a crash of the target's network does.
  func reset() {
    server.withPortal { portal in
      for connection in portal.connections { connection.reset() }
    }
  }

  /// Ends every connection in order: FIN.
  func finish() {
    server.withPortal { portal in
      for connection in portal.connections { connection.close() }
    }
  }

  func end() async { server.stop() }
}
