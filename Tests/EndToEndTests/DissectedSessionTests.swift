import Dissector
import Foundation
import ISCSI
import Lab
import Testing

@testable import TargetSimulator

extension EndToEnd {
  /// One session in which both sides say all they can, read by Wireshark's dissector and by our own
  /// types: what a PDU says must not depend on who reads it.
  @Suite("A whole session as tshark reads it", .requires(.tshark))
  struct DissectedSessionTests {
    /// Everything one can have of the session without a fault that ends it.
    private static let opcodes: [Opcode] = [
      .nopOut, .scsiCommand, .taskManagementRequest, .loginRequest, .textRequest, .dataOut,
      .logoutRequest, .snackRequest, .nopIn, .scsiResponse, .taskManagementResponse,
      .loginResponse, .textResponse, .dataIn, .logoutResponse, .readyToTransfer, .asyncMessage,
      .reject,
    ]

    @Test("every opcode, with both digests: tshark reads each field as our types do")
    func everyOpcode() async throws {
      try await withServer { server, mount, lab in
        let file = lab.fresh("session.pcap")
        async let reader = mount.shell("cat $T/sessions/1/capture > \(file)", limit: .seconds(100))
        #expect(await eventually { await lab.shell("test -s \(file)").status == 0 })
        try await transfer(server, mount)
        try await manage(server, mount)
        try await speak(server, mount)
        await mount.shell("echo logout > $T/control").expectSuccess()
        await reader.expectSuccess()

        let dissection = try await Dissection(of: file, port: server.port)
        let units = CapturedUnits.read(
          try [UInt8](Data(contentsOf: URL(filePath: file))), headerDigest: true)
        #expect(dissection.packets.map(\.number) == Array(1...max(1, units.count)))
        for (packet, unit) in zip(dissection.packets, units) {
          let unit = try #require(unit)
          let place = "packet \(packet.number), \(unit.header.opcode.name)"
          #expect(packet.remarks == [], "\(place)")
          #expect(packet.differences(from: unit) == [], "\(place)")
        }
        #expect(Set(dissection.packets.compactMap(\.opcode)).isSuperset(of: Self.opcodes))
        #expect(dissection.badDigests == 0)
        // A header digest each, but for the logins.
        #expect(dissection.goodDigests >= units.count - 8)
        expectCodes(dissection)
      }
    }

    /// The codes that were asked for are among what tshark prints.
    private func expectCodes(_ dissection: Dissection) {
      func values(_ field: String) -> Set<String> {
        Set(dissection.packets.flatMap { $0.values[field] ?? [] })
      }
      #expect(values("iscsi.taskmanfun.function") == ["1", "3", "5", "6"])
      #expect(values("iscsi.taskmanfun.response") == ["0"])
      #expect(values("iscsi.asyncevent") == ["0", "1", "3", "4", "5", "255"])
      #expect(values("iscsi.reject.reason") == ["2", "6"])
      #expect(values("iscsi.snack.type").isSuperset(of: ["0", "2"]))
      #expect(values("iscsi.logout.reason") == ["0"])
      #expect(values("iscsi.text.C") == ["0", "1"])
    }

    /// Reads and writes, of which something is lost: R2T, Data-Out, SNACK, Reject.
    private func transfer(_ server: SimulatedPortalServer, _ mount: MountedFileSystem) async throws
    {
      await mount.shell(
        """
        set -e
        dd if=/dev/urandom of=$T/lun1 bs=16k count=4 oflag=direct conv=notrunc,fsync status=none
        dd if=$T/lun1 of=/dev/null bs=4k count=4 iflag=direct status=none
        """
      ).expectSuccess()
      server.setSessionFaults {
        [
          DropFault(PDUSelector(.dataIn, skip: 3, count: 1)),
          DamagedIncomingFault(PDUSelector(.dataOut, skip: 1, count: 1)),
        ]
      }
      await mount.shell(
        """
        set -e
        dd if=/dev/urandom of=$T/lun1 bs=32k count=1 oflag=direct conv=notrunc status=none
        dd if=$T/lun1 of=/dev/null bs=64k count=1 iflag=direct status=none
        """
      ).expectSuccess()
      #expect(server.count(received: .snackRequest) >= 2 && server.count(sent: .reject) == 1)
    }

    /// Task management from the control files, and pings both ways, one of them rejected.
    private func manage(_ server: SimulatedPortalServer, _ mount: MountedFileSystem) async throws {
      server.setSessionFaults {
        [
          OutcomeFault(.hold, operationCodes: [0x88]),
          OutcomeFault(.result(.acaActive), operationCodes: [0x8A]), RejectPingFault(),
        ]
      }
      await mount.shell(
        """
        dd if=$T/lun1 of=/dev/null bs=4k count=1 iflag=direct status=none 2> /dev/null &
        until [ -n "$(ls $T/sessions/1/tasks)" ]; do sleep 0.02; done
        set -e
        rm -f $T/sessions/1/tasks/*
        ! wait $!
        dd if=/dev/urandom of=$T/lun1 bs=4k count=1 oflag=direct conv=notrunc status=none
        echo reset > $T/lun1.info/control
        echo "reset warm" > $T/control
        echo nop > $T/sessions/1/control
        echo nop > $T/sessions/1/control
        """
      ).expectSuccess()
      #expect(server.taskManagementRequestCount == 4)
      let pongs = server.count(received: .nopOut)
      server.withSession { $0.first?.ping(data: [1, 2, 3, 4, 5]) }
      #expect(await eventually { server.count(received: .nopOut) > pongs })
    }

    /// All a target says unasked, at last what makes the session come back.
    private func speak(_ server: SimulatedPortalServer, _ mount: MountedFileSystem) async throws {
      let unit = SimulatedTarget.encoded(lun: 1)
      server.withSession { connections in
        let connection = connections.first
        connection?.sendAsync(
          .scsiAsyncEvent, logicalUnitNumber: unit, sense: .reportedLUNsChanged)
        connection?.sendAsync(.vendorSpecific, parameters: (1, 2, 3))
        connection?.sendAsync(.taskTermination, logicalUnitNumber: unit)
        connection?.sendAsync(.negotiationRequested, parameters: (0, 0, 3))
      }
      #expect(await eventually { server.count(sent: .textResponse) >= 2 })
      for event: AsyncMessage.Event in [.logoutRequested, .allConnectionsDropped] {
        let logins = server.count(received: .loginRequest)
        server.withSession { $0.first?.sendAsync(event, parameters: (0, 0, 1)) }
        #expect(await eventually { server.count(received: .loginRequest) > logins })
        await mount.shell(
          """
          until grep -q LOGGED_IN $T/state; do sleep 0.02; done
          dd if=$T/lun1 of=/dev/null bs=4k count=1 iflag=direct status=none
          """
        ).expectSuccess()
      }
    }

    private func withServer(
      _ body: (SimulatedPortalServer, MountedFileSystem, Lab) async throws -> Void
    ) async throws {
      try await withLab { lab in
        var parameters = TargetParameters()
        parameters.errorRecoveryLevel = 1
        parameters.asksForDataAcknowledgement = true
        parameters.immediateData = false
        parameters.initialR2T = true
        parameters.maxBurstLength = 32_768
        parameters.maxRecvDataSegmentLength = 8192
        // Cut between two pairs of 30 bytes: tshark reads the text of each PDU by itself, and calls
        // one malformed that ends within a pair.
        parameters.textKeys = [
          ("TargetAlias", "a simulated disk."), ("MaxRecvDataSegmentLength", "4096"),
        ]
        parameters.textSegmentLength = 30
        let target = SimulatedTarget(name: "iqn.2026-11.org.iscsifs:all", parameters: parameters)
        var disk = SimulatedLogicalUnit.Configuration(blockCount: 32768, identity: 1)
        disk.supportsACA = true
        target.add(SimulatedLogicalUnit(disk), lun: 1)
        let server = try SimulatedPortalServer(lab, [target])
        let mount = try await MountedFileSystem.start(
          lab, .mount(server.address),
          options: [
            "node.session.iscsi.ERL=2", "node.conn[0].iscsi.DataDigest=CRC32C",
            "node.conn[0].iscsi.HeaderDigest=CRC32C",
            "node.conn[0].iscsi.MaxRecvDataSegmentLength=8192", "channel=dev",
          ])
        try await body(server, mount, lab)
      }
    }
  }
}

/// Rejects the first ping: too many immediate commands.
private final class RejectPingFault: ConnectionFault {
  private var hasRejected = false

  func incoming(
    _ unit: ProtocolDataUnit, on connection: TargetConnection, at now: UInt64
  ) -> [ProtocolDataUnit] {
    guard !hasRejected, unit.header.opcode == .nopOut, unit.header.initiatorTaskTag != .reserved
    else { return [unit] }
    hasRejected = true
    connection.reject(unit, .immediateCommandReject)
    return []
  }
}
