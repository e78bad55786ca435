import ISCSI
import Lab
import Testing

@testable import TargetSimulator

extension EndToEnd {
  /// What TCP does to connections, as who uses the files sees it.
  @Suite("A stream that breaks")
  struct BrokenStreamTests {
    /// The ends of the connections after the first, each so many of the target's PDUs behind its
    /// beginning: in login, in the scan that follows, and under I/O. A login that fails waits
    /// longer after each failure, so one that succeeds lies between.
    private static let cuts = (0..<4).map { lane in
      [12 + lane, lane, 8 + lane, 16 + lane, 4 + lane]
    }

    private func server(
      _ lab: Lab, _ number: UInt32, cuts: [Int], isReset: Bool
    ) throws -> SimulatedPortalServer {
      let target = SimulatedTarget(name: "iqn.2026-11.org.iscsifs:cut\(number)")
      target.add(SimulatedLogicalUnit(.init(blockCount: 8192, identity: number)), lun: 1)
      let server = try SimulatedPortalServer(lab, [target])
      // The discovery and the first login go well.
      server.setFaults { connection in
        guard cuts.indices.contains(connection - 2) else { return [] }
        return [CutFault(.afterPDUs(cuts[connection - 2]), isReset: isReset)]
      }
      return server
    }

    @Test("H36, H66 connections that end behind each of the first 20 PDUs cost time, not data")
    func cuts() async throws {
      try await withLab { lab in
        // FIN: the target sends no more and goes on reading, until our end is closed too.
        let servers = try [true, false].flatMap { isReset in
          try Self.cuts.enumerated().map { lane, cuts in
            try server(lab, UInt32(lane + (isReset ? 1 : 5)), cuts: cuts, isReset: isReset)
          }
        }
        let mount = try await MountedFileSystem.start(lab, .mount(servers[0].address))
        for server in servers[1...] {
          await mount.shell("echo discover \(server.address) > control").expectSuccess()
        }
        #expect(await mount.shell("cat targets/*/state | grep -c LOGGED_IN").value == "8")
        let sockets = "ls -l /proc/\(mount.daemonID)/fd | grep -c socket:"
        let before = await mount.shell(sockets).value
        for server in servers { server.reset() }
        let file = try lab.write(String(repeating: "0123456789abcdef", count: 4096))
        let isThrough = await eventually(.seconds(90)) {
          await mount.shell(
            """
            for t in targets/*; do
              ( dd if=\(file) of=$t/lun1 bs=4k oflag=direct conv=notrunc,fsync status=none &&
                dd if=$t/lun1 bs=4k count=16 iflag=direct status=none | cmp - \(file) ) &
            done
            for job in $(jobs -p); do wait $job || exit 1; done
            """
          ).expectSuccess()
          return servers.allSatisfy { $0.connectionCount >= 8 }
        }
        #expect(isThrough, "\(servers.map(\.connectionCount))")
        #expect(await mount.shell("cat targets/*/state | grep -c LOGGED_IN").value == "8")
        #expect(await mount.shell(sockets).value == before)
        await mount.shell("for t in targets/*; do cmp -n 65536 $t/lun1 \(file) || exit 1; done")
          .expectSuccess()
      }
    }

    /// Fifty targets, for one alone is logged in to once a second.
    @Test("H36 a thousand logins that end by FIN as soon as they are there leave no descriptor")
    func loginsThatEnd() async throws {
      try await withLab { lab in
        let targets = (0..<50).map { number in
          let target = SimulatedTarget(name: "iqn.2026-11.org.iscsifs:fin.\(number)")
          target.add(
            SimulatedLogicalUnit(.init(blockCount: 8192, identity: UInt32(number + 1))), lun: 1)
          return target
        }
        let server = try SimulatedPortalServer(lab, targets)
        let mount = try await MountedFileSystem.start(lab, .mount(server.address))
        let loggedIn = "cat targets/*/state | grep -c LOGGED_IN"
        #expect(await mount.shell(loggedIn).value == "50")
        let descriptors = "ls /proc/\(mount.daemonID)/fd | wc -l"
        let before = await mount.shell(descriptors).value
        let clock = ContinuousClock()
        let begun = clock.now
        var rounds = 0
        while server.connectionCount < 1051, clock.now - begun < .seconds(100) {
          server.finish()
          rounds += 1
          let isBack = await eventually(.seconds(20)) {
            guard server.connectionCount > 50 * rounds else { return false }
            return await mount.shell(loggedIn).value == "50"
          }
          #expect(isBack)
        }
        #expect(server.connectionCount >= 1051)
        // A login a second and target, whatever the target does.
        #expect(clock.now - begun >= .seconds(19))
        #expect(await mount.shell(descriptors).value == before)
        await mount.shell("for t in targets/*; do head -c 1 $t/lun1 > /dev/null || exit 1; done")
          .expectSuccess()
      }
    }

    @Test("H66 urgent data in every PDU are data like others, in login and behind it")
    func urgentData() async throws {
      try await withLab { lab in
        let target = SimulatedTarget(name: "iqn.2026-11.org.iscsifs:urgent")
        target.add(SimulatedLogicalUnit(.init(blockCount: 8192)), lun: 1)
        let server = try SimulatedPortalServer(lab, [target])
        server.setFaults { [UrgentFault()] }
        let mount = try await MountedFileSystem.start(lab, .mount(server.address))
        await mount.shell(
          """
          head -c 2M /dev/urandom > $M/../data
          dd if=$M/../data of=$T/lun1 bs=64k oflag=direct conv=notrunc,fsync status=none
          cmp $T/lun1 $M/../data -n 2M
          for bs in 512 4096 65536; do
            dd if=$T/lun1 bs=$bs count=16 iflag=direct status=none |
              cmp -n $((bs * 16)) - $M/../data || exit 1
          done
          """
        ).expectSuccess()
        let state = await mount.shell("cat $T/state $T/last_error")
        #expect(state.lines == ["LOGGED_IN", "0 SUCCESS"])
        // The discovery and one login: nothing was lost.
        #expect(server.connectionCount == 2)
      }
    }
  }
}
