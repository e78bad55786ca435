import ISCSI
import TargetSimulator

/// The target of `iscsifs demo`: in memory, on a loopback port of its own, gone with the mount.
struct DemoTarget {
  private static let name = "iqn.2026-11.org.iscsifs:demo"
  private static let byteCount: UInt64 = 256 << 20

  private let server: SimulatorServer
  let portal: Portal

  /// One LUN with blocks of 512 bytes and one with 4096, both empty until written.
  init() throws {
    let target = SimulatedTarget(name: Self.name)
    for (lun, blockLength) in [(1, 512), (2, 4096)] {
      var configuration = SimulatedLogicalUnit.Configuration(
        blockCount: Self.byteCount / UInt64(blockLength), blockLength: blockLength,
        identity: UInt32(lun))
      configuration.isThinProvisioned = true
      configuration.hasVolatileCache = true
      target.add(SimulatedLogicalUnit(configuration), lun: lun)
    }
    server = try SimulatorServer(SimulatedPortal(targets: [target]))
    portal = Portal(host: "127.0.0.1", port: server.port, targetPortalGroupTag: nil)
  }

  func stop() {
    server.stop()
  }
}
