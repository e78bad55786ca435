import ControlPlane
import FoundationEssentials
import Glibc
import ISCSI
import LinuxIO
import Records

/// Asks a portal for its targets, without a mount.
enum DiscoverRunner {
  /// The lines of the answer, "<ip>:<port>,<tpgt> <iqn>", as `iscsiadm -m discovery` prints them.
  static func run(
    _ source: MountSource, _ configuration: Configuration, _ options: MountOptions
  ) async throws -> [String] {
    guard let portal = portal(source, configuration) else {
      throw CommandFailure(.usage, "\(source) names no portal to ask")
    }
    let userID = geteuid()
    let state = DaemonPlan.stateDirectory(
      options: options, userID: userID, environment: ProcessInfo.processInfo.environment)
    let identity = try InitiatorIdentity.resolve(
      configuration, files: InitiatorIdentity.Files(stateDirectory: state), userID: userID)
    let settings = try InitiatorSettings(
      configuration, initiatorName: identity.name.rawValue,
      isidRandom: UInt32.random(in: 0..<1 << 24))
    let pool = try BlockingPool(name: "discover", threadCount: 1, capacity: 1)
    let outcome = try await DiscoveryDriver(pool: pool).discover(at: portal, settings: settings)
    for warning in outcome.warnings { Output.complain(warning) }
    return outcome.targets.flatMap { target in
      target.portals.map { "\($0.description) \(target.name.value.escapedForTerminal)" }
    }
  }

  private static func portal(_ source: MountSource, _ configuration: Configuration) -> Portal? {
    switch source {
    case .portal(let address): return Portal(address)
    case .configurationFile:
      return configuration.discovery.portal.map { Portal($0) }
    case .none: return nil
    }
  }
}
