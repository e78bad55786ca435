import ChaosProxy
import Lab
import LinuxIO

/// tgtd with one LUN, a proxy before it, and a mount of it.
struct TgtScene: Sendable {
  static let name = "iqn.2026-11.org.iscsifs:drill"

  let daemon: TargetDaemon
  let proxy: ChaosProxy
  let target: MountedTarget

  /// - Parameters:
  ///   - hasWriteCache: what a lost nexus may have lost is then an error of the next fsync, where
  ///     it cannot be made good.
  ///   - settings: lines of the mount's configuration.
  static func start(
    _ stage: Stage, mebibytes: Int = 64, hasWriteCache: Bool = false, settings: [String] = [],
    environment: [String] = []
  ) async throws -> TgtScene {
    let unit = TargetDaemon.Unit(lun: 1, mebibytes: mebibytes, hasWriteCache: hasWriteCache)
    let daemon = try await TargetDaemon.start(
      stage.lab, [TargetDaemon.Target(name: name, units: [unit])])
    let proxy = try ChaosProxy(stage.lab, before: daemon.port)
    let target = try await MountedTarget.start(
      stage, name: name, port: proxy.port, settings: settings, environment: environment)
    return TgtScene(daemon: daemon, proxy: proxy, target: target)
  }
}
