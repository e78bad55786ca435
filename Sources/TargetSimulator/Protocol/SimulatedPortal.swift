/// A network portal and the targets behind it: the state connections share.
///
/// Pure: bytes and time come in through `TargetConnection`, actions go out. Not thread-safe;
/// whoever owns it serialises (`SimulatorServer` does so with a lock).
package final class SimulatedPortal {
  /// `address:port` as SendTargets tells it; the server writes its own here.
  package var address = "127.0.0.1:3260"
  package var portalGroupTag: UInt16 = 1
  /// CHAP for discovery sessions; nil lets everyone ask.
  package var discoveryCredentials: CHAPAuthenticator.Credentials?
  package var log = SimulatorLog()
  /// The faults a new connection begins with, by its number from 0.
  package var faultsForConnection: (_ connection: Int) -> [any ConnectionFault] = { _ in [] }
  package private(set) var targets: [SimulatedTarget] = []
  /// Connections that are open, oldest first.
  package private(set) var connections: [TargetConnection] = []
  /// The latest time a connection was given, in milliseconds.
  var now: UInt64 = 0
  private var lastTSIH: UInt16 = 0
  private var loginCount: UInt64 = 0

  package init(targets: [SimulatedTarget] = []) {
    self.targets = targets
  }

  /// Adds a target; discovery names targets in the order they were added.
  package func add(_ target: SimulatedTarget) {
    targets.append(target)
  }

  /// Takes a target away and ends its sessions.
  package func removeTarget(named name: String) {
    target(named: name)?.endSessions()
    targets.removeAll { $0.name == name }
  }

  /// The target called `name`; names compare in lower case, as iSCSI names are normalised.
  package func target(named name: String) -> SimulatedTarget? {
    let name = name.lowercased()
    return targets.first { $0.name.lowercased() == name }
  }

  /// Opens a connection, as a listener's accept would.
  package func connect() -> TargetConnection {
    let connection = TargetConnection(portal: self)
    connection.faults = faultsForConnection(log.connectionCount)
    log.connectionCount += 1
    connections.append(connection)
    return connection
  }

  /// Every connection is reset, volatile caches lose what was not synchronised.
  package func powerCycle() {
    for connection in connections { connection.reset() }
    for target in targets {
      target.forgetSessions()
      for unit in target.logicalUnits.values { unit.powerCycle() }
    }
  }

  func remove(_ connection: TargetConnection) {
    connections.removeAll { $0 === connection }
  }

  /// A TSIH not used before, never zero.
  func makeTSIH() -> UInt16 {
    lastTSIH = lastTSIH == .max ? 1 : lastTSIH + 1
    return lastTSIH
  }

  /// A number no other login was given, for CHAP challenges.
  func makeLoginSeed() -> UInt64 {
    loginCount += 1
    return loginCount
  }
}
