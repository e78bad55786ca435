import ISCSI
import SCSI
import Testing
import Wire

@testable import TargetSimulator

@Suite("Several connections of a session (RFC 7143, 4.2.2, 6.3, 11.14)")
struct SeveralConnectionsTests {
  /// A session that agreed on so many connections, and its TSIH.
  private func session(
    _ portal: SimulatedPortal, asking count: Int = 8
  ) throws -> (first: HandInitiator, tsih: UInt16) {
    var first = HandInitiator(portal)
    let login = try first.login(Fixture.name, keys: [("MaxConnections", "\(count)")])
    return (first, login.response.tsih)
  }

  private func join(
    _ portal: SimulatedPortal, tsih: UInt16, _ connectionID: UInt16 = 1, cmdSN: UInt32 = 7,
    keys: [(String, String)] = []
  ) throws -> (further: HandInitiator, response: LoginResponse) {
    var further = HandInitiator(portal)
    further.cmdSN = SerialNumber(rawValue: cmdSN)
    further.tag = 200
    let login = try further.login(
      Fixture.name, keys: keys, tsih: tsih, connectionID: connectionID)
    return (further, login.response)
  }

  @Test("as many as were agreed on, then 0206h; LO keys and other sessions' handles are refused")
  func logins() throws {
    let portal = Fixture.portal { $0.maxConnections = 3 }
    let (_, tsih) = try session(portal)
    for connectionID in [1, 2] as [UInt16] {
      let login = try join(portal, tsih: tsih, connectionID).response
      #expect(login.statusClass == 0 && login.tsih == tsih && login.transits)
    }
    #expect(portal.targets[0].sessions.count == 1)
    #expect(portal.targets[0].sessions[0].connections.map(\.connectionID) == [0, 1, 2])
    for (handle, keys, detail) in [
      (tsih, [], 0x06), (tsih &+ 1, [], 0x0A), (tsih, [("SessionType", "Normal")], 0x00),
    ] as [(UInt16, [(String, String)], UInt8)] {
      let login = try join(portal, tsih: handle, 3, keys: keys).response
      #expect(login.statusClass == 2 && login.statusDetail == detail)
    }
    let pair = Fixture.portal { $0.maxConnections = 2 }
    let (_, other) = try session(pair)
    let login = try join(pair, tsih: other, 1, keys: [("MaxBurstLength", "4096")]).response
    #expect(login.statusClass == 2 && login.statusDetail == 0)
  }

  @Test("unsolicited data of a command that waits for its turn are kept for it")
  func earlyData() throws {
    let portal = Fixture.portal { $0.maxConnections = 2 }
    var first = HandInitiator(portal)
    let keys = [("MaxConnections", "2"), ("InitialR2T", "No")]
    let tsih = try first.login(Fixture.name, keys: keys).response.tsih
    var further = try join(portal, tsih: tsih, cmdSN: 8).further
    let data = (0..<1024).map { UInt8(truncatingIfNeeded: $0 &* 7) }
    #expect(
      try further.command(
        Fixture.write10(0, 2), write: 1024, immediate: Array(data[..<512]), isFinal: false
      ).isEmpty)
    let rest = DataOut(
      logicalUnit: LogicalUnitNumber(rawValue: 0),
      initiatorTaskTag: InitiatorTaskTag(rawValue: further.tag), targetTransferTag: .reserved,
      expStatSN: SerialNumber(rawValue: 2), dataSN: 0, bufferOffset: 512, length: 512,
      isFinal: true)
    #expect(try further.exchange(rest.header, data: Array(data[512...])).isEmpty)
    #expect(!further.connection.isDue)
    _ = try first.command(Fixture.read10(0, 1), read: 512)
    // Who serves the connections has to know, or the answer waits for the next input.
    #expect(further.connection.isDue)
    let answer = try further.answers(to: further.connection.actions())
    #expect(!further.connection.isDue)
    #expect(answer.map(\.header.opcode) == [.scsiResponse])
    #expect(SCSIResponse(try #require(answer.first).header).status == .good)
    further.cmdSN = SerialNumber(rawValue: 9)
    #expect(try further.command(Fixture.read10(0, 2), read: 1024).flatMap(\.data) == data)
  }

  @Test("commands run in the order of their CmdSN, each answered where it came")
  func order() throws {
    let portal = Fixture.portal { $0.maxConnections = 2 }
    var (first, tsih) = try session(portal)
    var further = try join(portal, tsih: tsih, cmdSN: 8).further
    #expect(try further.command(Fixture.read10(0, 1), read: 512).isEmpty)
    let units = try first.command(Fixture.read10(0, 1), read: 512)
    #expect(units.map(\.header.initiatorTaskTag.rawValue) == [101])
    let later = try further.answers(to: further.connection.actions())
    #expect(later.map(\.header.initiatorTaskTag.rawValue) == [201])
    // The second response of each connection: after that of its login.
    #expect(units[0].header.statSN.rawValue == 2 && later[0].header.statSN.rawValue == 2)
    #expect(units[0].header.expCmdSN.rawValue == 9 && later[0].header.expCmdSN.rawValue == 9)
  }

  @Test("Data-Out on another connection than the command's is rejected")
  func allegiance() throws {
    let portal = Fixture.portal {
      $0.maxConnections = 2
      $0.immediateData = false
      $0.initialR2T = true
    }
    var (first, tsih) = try session(portal)
    var further = try join(portal, tsih: tsih).further
    let r2t = try #require(try first.command(Fixture.write10(0, 1), write: 512).first)
    let data = DataOut(
      logicalUnit: LogicalUnitNumber(rawValue: 0), initiatorTaskTag: r2t.header.initiatorTaskTag,
      targetTransferTag: r2t.header.targetTransferTag, expStatSN: SerialNumber(rawValue: 2),
      dataSN: 0, bufferOffset: 0, length: 512, isFinal: true)
    let bytes = [UInt8](repeating: 7, count: 512)
    #expect(try further.exchange(data.header, data: bytes).first?.header.opcode == .reject)
    #expect(try first.exchange(data.header, data: bytes).first?.header.opcode == .scsiResponse)
  }

  @Test("a Logout closes one or all; a CID used again logs its old connection out")
  func endings() throws {
    let portal = Fixture.portal { $0.maxConnections = 3 }
    var (first, tsih) = try session(portal)
    var further = try join(portal, tsih: tsih).further
    let again = try join(portal, tsih: tsih)
    #expect(again.response.statusClass == 0)
    #expect(try further.answers(to: further.connection.actions()).isEmpty)
    #expect(further.endings == [.reset] && !first.connection.isClosed)
    var third = try join(portal, tsih: tsih, 2).further
    func logout(_ reason: LogoutRequest.Reason, _ connectionID: UInt16) -> BasicHeaderSegment {
      LogoutRequest(
        reason: reason, initiatorTaskTag: InitiatorTaskTag(rawValue: 9),
        connectionID: connectionID, cmdSN: first.cmdSN, expStatSN: SerialNumber(rawValue: 2)
      ).header
    }
    let response = try #require(try third.exchange(logout(.closeConnection, 2)).first)
    #expect(LogoutResponse(response.header).response == .closed && third.endings == [.close])
    #expect(portal.targets[0].sessions[0].connections.count == 2)
    let unknown = try #require(try first.exchange(logout(.closeConnection, 2)).first)
    #expect(LogoutResponse(unknown.header).response == .connectionIDNotFound)
    _ = try first.exchange(logout(.closeSession, 0))
    var last = again.further
    _ = try last.answers(to: last.connection.actions())
    #expect(first.endings == [.close] && last.endings == [.close])
    #expect(portal.targets[0].sessions.isEmpty)
  }

  @Test("a connection that is lost takes its session with it (7.1.4)")
  func loss() throws {
    let portal = Fixture.portal { $0.maxConnections = 2 }
    let (first, tsih) = try session(portal)
    var further = try join(portal, tsih: tsih).further
    first.connection.connectionLost()
    _ = try further.answers(to: further.connection.actions())
    #expect(further.endings == [.reset] && portal.targets[0].sessions.isEmpty)
  }
}
