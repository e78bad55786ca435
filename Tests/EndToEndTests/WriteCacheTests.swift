import Lab
import Testing

@testable import TargetSimulator

extension EndToEnd {
  /// A volatile cache that loses what it held, and one that does not, seen from a shell.
  @Suite("Write cache", .requires(.fuse))
  struct WriteCacheTests {
    @Test("E29, P1, P4: fsync after a reset connection is EIO, once, only where power was lost")
    func power() async throws {
      try await withLab { lab in
        let target = SimulatedTarget(name: "iqn.2026-11.org.iscsifs:cache")
        var configuration = SimulatedLogicalUnit.Configuration(blockCount: 32_768)
        configuration.hasVolatileCache = true
        target.add(SimulatedLogicalUnit(configuration), lun: 1)
        let server = try SimulatedPortalServer(lab, [target])
        let mount = try await MountedFileSystem.start(lab, .mount(server.address))
        let write =
          "dd if=/dev/urandom of=$T/lun1 bs=64k count=16 conv=notrunc oflag=direct status=none"
        for losesPower in [false, true, false] {
          await mount.shell(write + " && sync $T/lun1").expectSuccess()
          await mount.shell(write).expectSuccess()
          if losesPower { server.change { $0.powerCycle() } }
          server.reset()
          let sync = await mount.shell("sync $T/lun1")
          if losesPower { sync.expectFailure("Input/output error") } else { sync.expectSuccess() }
          await mount.shell("sync $T/lun1").expectSuccess()
        }
      }
    }
  }
}
