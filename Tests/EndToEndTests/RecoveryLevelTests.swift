import ISCSI
import Lab
import Testing

@testable import TargetSimulator

extension EndToEnd {
  /// PDUs that are lost or damaged within a connection which goes on.
  @Suite("ErrorRecoveryLevel 1")
  struct RecoveryLevelTests {
    private static let options = [
      "node.session.iscsi.ERL=2", "node.conn[0].iscsi.DataDigest=CRC32C",
      "node.conn[0].iscsi.HeaderDigest=CRC32C",
      "node.conn[0].iscsi.MaxRecvDataSegmentLength=8192",
      "node.conn[0].timeo.noop_out_interval=1", "channel=dev",
    ]

    @Test("E04, E07, E11, D10 reads are right when every 50th Data-In is damaged, or lost")
    func reads() async throws {
      try await withServer { server, mount, lab in
        let file = try await pattern(mount, lab)
        server.setSessionFaults { [CorruptFault(PDUSelector(.dataIn, every: 50), offset: 60)] }
        await mount.shell(
          """
          set -e
          cmp \(file) <(dd if=$T/lun1 bs=4k count=1024 iflag=direct status=none)
          cmp \(file) <(dd if=$T/lun1 bs=64k count=64 iflag=direct status=none)
          """
        ).expectSuccess()
        #expect(server.count(received: .snackRequest) >= 30)
        server.setSessionFaults {
          [
            CorruptFault(PDUSelector(.dataIn, every: 50), offset: 60),
            DropFault(PDUSelector(.dataIn, skip: 17, every: 50)),
          ]
        }
        await mount.shell(
          "cmp \(file) <(dd if=$T/lun1 bs=1M count=4 iflag=direct status=none)"
        ).expectSuccess()
      }
    }

    @Test("E08, E12, D13, F4.1 writes are right when commands, data and statuses are lost")
    func writes() async throws {
      try await withServer { server, mount, lab in
        server.setSessionFaults {
          [
            DamagedIncomingFault(PDUSelector(.dataOut, skip: 2, every: 20)),
            DamagedIncomingFault(PDUSelector(.scsiCommand, skip: 5, every: 11)),
            DropIncomingFault(PDUSelector(.scsiCommand, skip: 60, count: 1)),
            DropFault(PDUSelector(.scsiResponse, skip: 3, count: 300, every: 100)),
          ]
        }
        let file = try await pattern(mount, lab)
        server.setSessionFaults { [] }
        await mount.shell(
          "cmp \(file) <(dd if=$T/lun1 bs=1M count=4 iflag=direct status=none)"
        ).expectSuccess()
        #expect(server.count(sent: .reject) >= 30)
      }
    }

    /// Four MiB on the LUN that tell their place, in sizes that take every way of a write.
    private func pattern(_ mount: MountedFileSystem, _ lab: Lab) async throws -> String {
      let file = lab.fresh("pattern")
      await mount.shell(
        """
        set -e
        dd if=/dev/urandom of=\(file) bs=1M count=4 status=none
        put() { dd if=\(file) of=$T/lun1 oflag=direct conv=notrunc status=none "$@"; }
        put bs=1M count=2
        put bs=4k skip=512 seek=512 count=256
        put bs=64k skip=48 seek=48
        """
      ).expectSuccess()
      return file
    }

    private func withServer(
      _ body: (SimulatedPortalServer, MountedFileSystem, Lab) async throws -> Void
    ) async throws {
      try await withLab { lab in
        var parameters = TargetParameters()
        parameters.errorRecoveryLevel = 1
        parameters.asksForDataAcknowledgement = true
        parameters.maxBurstLength = 65_536
        parameters.firstBurstLength = 16_384
        parameters.maxRecvDataSegmentLength = 8192
        let target = SimulatedTarget(name: "iqn.2026-11.org.iscsifs:erl", parameters: parameters)
        target.add(
          SimulatedLogicalUnit(SimulatedLogicalUnit.Configuration(blockCount: 32768, identity: 1)),
          lun: 1)
        let server = try SimulatedPortalServer(lab, [target])
        let mount = try await MountedFileSystem.start(
          lab, .mount(server.address), options: Self.options)
        #expect(await mount.shell("cat $T/sessions/1/erl").value == "1")
        let connectionCount = server.connectionCount
        try await body(server, mount, lab)
        // Nothing was recovered by logging in again, and nothing is left over.
        let state = await mount.shell("cat $T/state; ls $T/sessions/1/tasks | wc -l")
        #expect(state.lines == ["LOGGED_IN", "0"], "\(state)")
        #expect(server.connectionCount == connectionCount)
      }
    }
  }
}
