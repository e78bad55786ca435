import ISCSI
import Lab
import Testing

@testable import TargetSimulator

extension EndToEnd {
  /// Connections that are cut while their tasks stay at the target.
  @Suite("ErrorRecoveryLevel 2", .requires(.fio, .tshark))
  struct ConnectionRecoveryTests {
    private static let mebibytes = 24

    @Test("E13, E16, M13, F7.1 the only connection is cut amid reads and writes: each command once")
    func cut() async throws {
      try await withServer(connections: 1) { server, mount, lab in
        let tsih = await mount.shell("cat $T/sessions/1/tsih").value
        server.setFaults { connection in
          // Amid an R2T, amid the data of a read, amid a status, by turns.
          switch connection % 3 {
          case 0: [CutFault(.inside(.nth(40, .readyToTransfer), byteCount: 20))]
          case 1: [CutFault(.inside(.nth(300, .dataIn), byteCount: 4000))]
          default: [CutFault(.inside(.nth(8, .scsiResponse), byteCount: 47), isReset: false)]
          }
        }
        server.cutAll()
        let file = lab.fresh("pattern")
        let capture = lab.fresh("session.pcap")
        let shown = await mount.shell(
          """
          set -e
          cat $T/sessions/1/capture > \(capture) &
          until [ -s \(capture) ]; do sleep 0.02; done
          dd if=/dev/urandom of=\(file) bs=1M count=\(Self.mebibytes) status=none
          dd if=\(file) of=$F oflag=direct bs=1M conv=notrunc status=none
          cmp \(file) <(dd if=$F bs=1M count=\(Self.mebibytes) iflag=direct status=none)
          cat $T/sessions/1/tsih
          ls $T/sessions/1/tasks | wc -l
          # Apart from the shell that hears of the reader's end.
          (echo logout > $T/control)
          wait
          """, limit: .seconds(240))
        // One session all the time, and nothing left over.
        #expect(shown.lines == [tsih, "0"], "\(shown)")
        #expect(server.connectionCount >= 6)
        #expect(server.taskManagementRequestCount >= 2)
        // Nothing was written by a second command.
        let written = server.commands.filter { [0x2A, 0x8A].contains($0.operationCode) }
        #expect(Set(written.map(\.cdb.bytes)).count == written.count)
        let tshark = "tshark -n -r \(capture) -d tcp.port==\(server.port),iscsi"
        let reassignments = await lab.shell(
          tshark + " -Y 'iscsi.opcode == 0x02 && iscsi.taskmanfun.function == 8' 2>/dev/null"
            + " | wc -l")
        #expect((Int(reassignments.value) ?? 0) >= 2, "\(reassignments)")
        let malformed = await lab.shell(tshark + " -Y _ws.malformed 2>/dev/null")
        #expect(malformed.output == "", "\(malformed)")
      }
    }

    @Test("E13, M07 one of three is reset again and again under fio verify: the session stays")
    func oneOfThree() async throws {
      try await withServer(connections: 3) { server, mount, _ in
        let fio =
          "fio --name=c --filename=$F --rw=randwrite --bsrange=512-256k --blockalign=512 "
          + "--size=48M --ioengine=libaio --iodepth=16 --direct=1 --verify=crc32c "
          + "--verify_fatal=1 --verify_dump=0 --verify_backlog=256 --verify_async=1 "
          + "--randseed=9 --minimal --time_based --runtime=10 --rate=,24m"
        async let load = mount.shell(fio, limit: .seconds(90))
        for place in [2, 0, 1, 0] {
          try await Task.sleep(for: .milliseconds(1_900))
          server.cutAmidWrite(connection: place)
        }
        await load.expectSuccess()
        await mount.shell(
          "until [ $(ls $T/sessions/1/connections | wc -l) = 3 ]; do sleep 0.05; done"
        ).expectSuccess()
        let state = await mount.shell("cat $T/sessions/1/losses $T/state $T/last_error")
        #expect(state.lines == ["0", "LOGGED_IN", "0 SUCCESS"], "\(state)")
        #expect(server.count(received: .logoutRequest) >= 4)
        #expect(server.taskManagementRequestCount >= 1)
      }
    }

    @Test("E06, E13 MaxRecvDataSegmentLength changed in config: a cut read goes on, cut otherwise")
    func otherLength() async throws {
      try await withServer(connections: 1) { server, mount, lab in
        let file = lab.fresh("pattern")
        let capture = lab.fresh("session.pcap")
        await mount.shell(
          """
          set -e
          dd if=/dev/urandom of=\(file) bs=1M count=2 status=none
          dd if=\(file) of=$F oflag=direct bs=1M conv=notrunc status=none
          echo 'node.conn[0].iscsi.MaxRecvDataSegmentLength = 4096' > $T/config
          """
        ).expectSuccess()
        let tsih = await mount.shell("cat $T/sessions/1/tsih").value
        // Of the first read's data on the next connection one is lost, too.
        server.setFaults { _ in [DropFault(.nth(5, .dataIn))] }
        server.withSession { connections in
          connections.first?.faults = [CutFault(.inside(.nth(3, .dataIn), byteCount: 4000))]
        }
        let shown = await mount.shell(
          """
          set -e
          cat $T/sessions/1/capture > \(capture) &
          until [ -s \(capture) ]; do sleep 0.02; done
          cmp \(file) <(dd if=$F bs=64k count=32 iflag=direct status=none)
          cat $T/sessions/1/tsih
          (echo logout > $T/control)
          wait
          """, limit: .seconds(120))
        #expect(shown.lines == [tsih], "\(shown)")
        // By Wireshark's reading: R-Data, and nothing else was asked for.
        let kinds = await lab.shell(
          "tshark -n -r \(capture) -d tcp.port==\(server.port),iscsi -Y 'iscsi.opcode == 0x10' "
            + "-T fields -e iscsi.snack.type 2>/dev/null")
        #expect(kinds.lines == ["3"], "\(kinds)")
      }
    }

    @Test("E14, E15 a target that refuses every reassignment costs time, and no error")
    func refused() async throws {
      try await withServer(connections: 1) { server, mount, lab in
        server.refuseReassignments()
        server.setFaults { _ in [CutFault(.inside(.nth(40, .readyToTransfer), byteCount: 20))] }
        server.cutAll()
        let file = lab.fresh("pattern")
        await mount.shell(
          """
          set -e
          dd if=/dev/urandom of=\(file) bs=1M count=6 status=none
          dd if=\(file) of=$F oflag=direct bs=1M conv=notrunc status=none
          cmp \(file) <(dd if=$F bs=1M count=6 iflag=direct status=none)
          """, limit: .seconds(240)
        ).expectSuccess()
        #expect(server.taskManagementRequestCount >= 1)
        #expect(await mount.shell("cat $T/sessions/1/losses").value != "0")
      }
    }

    /// A mount with a session of level 2 to a simulated target, F its LUN.
    private func withServer(
      connections: Int,
      _ body: (SimulatedPortalServer, MountedFileSystem, Lab) async throws -> Void
    ) async throws {
      try await withLab { lab in
        var parameters = TargetParameters()
        parameters.errorRecoveryLevel = 2
        parameters.maxConnections = connections
        parameters.defaultTime2Retain = 20
        parameters.maxBurstLength = 65_536
        parameters.firstBurstLength = 16_384
        parameters.maxRecvDataSegmentLength = 8192
        let target = SimulatedTarget(name: "iqn.2026-11.org.iscsifs:erl2", parameters: parameters)
        target.add(
          SimulatedLogicalUnit(
            SimulatedLogicalUnit.Configuration(blockCount: 131_072, identity: 1)), lun: 1)
        let server = try SimulatedPortalServer(lab, [target])
        let mount = try await MountedFileSystem.start(
          lab, .mount(server.address),
          options: [
            "node.session.iscsi.ERL=2", "node.session.iscsi.MaxConnections=\(connections)",
            "node.conn[0].iscsi.MaxRecvDataSegmentLength=8192", "channel=dev",
          ],
          prelude: "F=$(ls -d $M/by-id/*); cd \(lab.path)")
        await mount.shell(
          "until [ $(ls $T/sessions/1/connections | wc -l) = \(connections) ]; do sleep 0.05; done"
        ).expectSuccess()
        #expect(await mount.shell("cat $T/sessions/1/erl").value == "2")
        try await body(server, mount, lab)
      }
    }
  }
}

extension SimulatedPortalServer {
  /// Resets the connections of the first session.
  fileprivate func cutAll() {
    withSession { connections in
      for connection in connections { connection.reset() }
    }
  }

  /// Resets one of the first session's connections amid its next R2T: the task stays at the target.
  fileprivate func cutAmidWrite(connection index: Int) {
    withSession { connections in
      guard index < connections.count else { return }
      connections[index].faults = [CutFault(.inside(.nth(1, .readyToTransfer), byteCount: 20))]
    }
  }

  /// Every TASK REASSIGN is answered by "function rejected" or "not supported".
  fileprivate func refuseReassignments() {
    withTarget { target in
      for index in 0..<1000 {
        target.reassignmentAnswers.append(
          index.isMultiple(of: 2)
            ? .functionRejected : .taskAllegianceReassignmentNotSupported)
      }
    }
  }
}
