import ISCSI
import Lab
import Testing

@testable import TargetSimulator

extension EndToEnd {
  /// Sessions with several connections (MC/S).
  @Suite("Several connections of a session", .requires(.fio))
  struct SeveralConnectionsTests {
    private static let fio =
      "fio --name=c --filename=$F --rw=randwrite --bsrange=512-256k --blockalign=512 --size=48M "
      + "--ioengine=libaio --iodepth=16 --direct=1 --verify=crc32c --verify_fatal=1 "
      + "--verify_dump=0 --verify_backlog=256 --verify_async=1 --randseed=9 --minimal "

    /// Waits until so many connections are shown.
    private static func until(_ count: Int) -> String {
      "until [ $(ls $T/sessions/1/connections | wc -l) = \(count) ]; do sleep 0.05; done\n"
    }

    @Test(
      "M01, M03, M11, M16 istgt takes commands on four connections, and tshark finds them in order",
      .requires(.istgt, .tshark))
    func istgt() async throws {
      try await withLab { lab in
        let daemon = try await ISTGTDaemon.start(lab, [ISTGTDaemon.Target(mebibytes: [64])])
        let mount = try await MountedFileSystem.start(
          lab, .mount(daemon.address),
          options: ["node.session.iscsi.MaxConnections=8", "channel=dev"],
          prelude: "F=$(ls -d $M/by-id/*); cd \(lab.path)")
        let shown = await mount.shell(
          Self.until(4) + "cd $T/sessions; ls; ls 1/connections; cat 1/connections/*/state")
        #expect(shown.lines == ["1", "1", "2", "3", "4", "up", "up", "up", "up"])
        let file = lab.fresh("session.pcap")
        await mount.shell(
          """
          set -e
          cat $T/sessions/1/capture > \(file) &
          until [ -s \(file) ]; do sleep 0.02; done
          \(Self.fio) --io_size=4M --bsrange=512-16k --end_fsync=1
          for cid in 1 2 3 4; do [ $(cat $T/sessions/1/connections/$cid/statsn) -gt 10 ]; done
          # Apart from the shell that hears of the reader's end.
          (echo logout > $T/control)
          wait
          """
        ).expectSuccess()
        let tshark = "tshark -n -r \(file) -d tcp.port==\(daemon.port),iscsi"
        let ports = await lab.shell(
          tshark + " -Y 'iscsi.opcode == 0x01' -T fields -e tcp.srcport 2>/dev/null"
            + " | sort | uniq -c")
        #expect(ports.lines.count == 4, "\(ports)")
        // One number after the other, whichever connection has it.
        let numbers = await lab.shell(
          tshark + " -Y 'iscsi.opcode == 0x01' -T fields -e iscsi.cmdsn 2>/dev/null | tr , '\\n'"
            + " | while read n; do echo $((n)); done | sort -n"
            + " | awk 'NR > 1 && $1 != last + 1 {print} {last = $1}'")
        #expect(numbers.output == "", "\(numbers)")
        // Statuses come, and go on counting, on the connections of their commands.
        let answers = await lab.shell(
          tshark + " -Y 'iscsi.opcode == 0x21' -T fields -e tcp.dstport 2>/dev/null"
            + " | sort -u | wc -l")
        #expect(answers.value == "4")
        let wrong = await lab.shell(
          tshark + " -Y '_ws.malformed || _ws.expert' 2>&1 | grep -v 'as user'")
        #expect(wrong.output == "", "\(wrong)")
      }
    }

    @Test("M12, M15, F14.2 connections that leave and come back under fio verify cost no error")
    func comingAndGoing() async throws {
      try await withServer { server, mount in
        async let load = mount.shell(
          Self.fio + "--time_based --runtime=12 --rate=,24m", limit: .seconds(90))
        for round in 0..<6 {
          try await Task.sleep(for: .milliseconds(1_700))
          server.askForLogout(round)
        }
        await load.expectSuccess()
        #expect(server.count(received: .logoutRequest) >= 6)
        // The three of the beginning, and one for each that left; no session was made again.
        #expect(server.connectionCount >= 3 + 5)
        await mount.shell(Self.until(3)).expectSuccess()
        #expect(await mount.shell("cat $T/last_error").value == "0 SUCCESS")
      }
    }

    @Test("M07 one of three connections is reset under fio verify: time, and no error")
    func reset() async throws {
      try await withServer { server, mount in
        async let load = mount.shell(
          Self.fio + "--time_based --runtime=8 --rate=,24m", limit: .seconds(90))
        for place in [2, 0] {
          try await Task.sleep(for: .milliseconds(2_500))
          server.reset(connection: place)
        }
        await load.expectSuccess()
        await mount.shell(Self.until(3)).expectSuccess()
        #expect(server.connectionCount >= 9)
      }
    }

    /// A mount with a session of three connections to a simulated target, F its LUN.
    private func withServer(
      _ body: (SimulatedPortalServer, MountedFileSystem) async throws -> Void
    ) async throws {
      try await withLab { lab in
        var parameters = TargetParameters()
        parameters.maxConnections = 3
        let target = SimulatedTarget(name: "iqn.2026-11.org.iscsifs:mcs", parameters: parameters)
        target.add(
          SimulatedLogicalUnit(
            SimulatedLogicalUnit.Configuration(blockCount: 131_072, identity: 1)), lun: 1)
        let server = try SimulatedPortalServer(lab, [target])
        let mount = try await MountedFileSystem.start(
          lab, .mount(server.address),
          options: ["node.session.iscsi.MaxConnections=3", "channel=dev"],
          prelude: "F=$(ls -d $M/by-id/*); cd \(lab.path)")
        await mount.shell(Self.until(3)).expectSuccess()
        try await body(server, mount)
      }
    }
  }
}

extension SimulatedPortalServer {
  /// Asks one of a session's connections to be logged out, by turns (Async Message 1).
  func askForLogout(_ round: Int) {
    withSession { connections in
      guard connections.count > 1 else { return }
      connections[round % connections.count].sendAsync(
        .logoutRequested, parameters: (0, 0, 2))
    }
  }

  /// Resets one of a session's connections.
  func reset(connection index: Int) {
    withSession { connections in
      if index < connections.count { connections[index].reset() }
    }
  }
}
