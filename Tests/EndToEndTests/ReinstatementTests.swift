import ISCSI
import Lab
import Synchronization
import Testing

@testable import TargetSimulator

extension EndToEnd {
  /// What a target has of sessions that ended without its knowing, when the next login comes.
  @Suite("Sessions left behind")
  struct ReinstatementTests {
    /// The target's sessions by their ISIDs, with the number it gave each.
    private func sessions(at server: SimulatedPortalServer) -> [ISID: UInt16] {
      let found = Mutex<[ISID: UInt16]>([:])
      server.withTarget { target in
        for session in target.sessions {
          found.withLock { $0[session.isid, default: 0] = session.tsih }
        }
        // One each.
        if Set(target.sessions.map(\.isid)).count != target.sessions.count {
          Issue.record("an ISID has two sessions")
        }
      }
      return found.withLock { $0 }
    }

    /// At ErrorRecoveryLevel 2 the simulated target keeps a session that has no connection.
    @Test("E31, P8: the next login reinstates them; an orderly logout leaves none")
    func reinstated() async throws {
      try await withLab { lab in
        var parameters = TargetParameters()
        parameters.errorRecoveryLevel = 2
        parameters.defaultTime2Retain = 3600
        let target = SimulatedTarget(name: "iqn.2026-11.org.iscsifs:old", parameters: parameters)
        target.add(
          SimulatedLogicalUnit(SimulatedLogicalUnit.Configuration(blockCount: 32768, identity: 1)),
          lun: 1)
        let server = try SimulatedPortalServer(lab, [target])
        let mount = try await MountedFileSystem.start(
          lab, .mount(server.address),
          options: [
            "sessions=2", "node.session.iscsi.ERL=2", "node.conn[0].timeo.logout_timeout=1",
          ])
        #expect(await eventually { sessions(at: server).count == 2 })
        let old = sessions(at: server)
        server.setSessionFaults { [DropIncomingFault(PDUSelector(.logoutRequest))] }
        await mount.shell("echo 'logout force' > $T/control", limit: .seconds(20)).expectSuccess()
        #expect(sessions(at: server) == old)
        await mount.shell("echo login > $T/control").expectSuccess()
        #expect(await eventually { Set(sessions(at: server).values).isDisjoint(with: old.values) })
        #expect(Set(sessions(at: server).keys) == Set(old.keys))
        await mount.expectServing()
        await mount.shell("echo logout > $T/control").expectSuccess()
        #expect(sessions(at: server) == [:])
        await mount.shell("echo login > $T/control").expectSuccess()
        #expect(await eventually { sessions(at: server).count == 2 })
        #expect(Set(sessions(at: server).keys).isDisjoint(with: old.keys))
      }
    }
  }
}
