import ISCSI
import SCSI
import Testing
import Wire

@testable import TargetSimulator

/// RFC 7143, 6.3.4, 7.2.2 and 11.14, on the target's side.
@Suite("Tasks that outlive their connection")
struct ReassignmentTests {
  private static let keys = [
    ("ErrorRecoveryLevel", "2"), ("MaxRecvDataSegmentLength", "512"), ("InitialR2T", "Yes"),
    ("MaxBurstLength", "512"), ("MaxConnections", "2"), ("DefaultTime2Retain", "20"),
    ("DefaultTime2Wait", "0"), ("ImmediateData", "No"),
  ]

  private func session(
    _ change: (inout TargetParameters) -> Void = { _ in }
  ) throws -> (portal: SimulatedPortal, first: HandInitiator, tsih: UInt16) {
    let portal = Fixture.portal {
      $0.errorRecoveryLevel = 2
      $0.maxConnections = 2
      $0.defaultTime2Retain = 20
      $0.sendsStatusInDataIn = false
      change(&$0)
    }
    var first = HandInitiator(portal)
    let login = try first.login(Fixture.name, keys: Self.keys)
    #expect(login.text["ErrorRecoveryLevel"] == "2")
    return (portal, first, login.response.tsih)
  }

  private func join(
    _ portal: SimulatedPortal, tsih: UInt16, _ connectionID: UInt16, at now: UInt64 = 0,
    length: Int = 512
  ) throws -> (further: HandInitiator, response: LoginResponse) {
    var further = HandInitiator(portal)
    further.cmdSN = SerialNumber(rawValue: 8)
    further.tag = 200
    further.now = now
    let login = try further.login(
      Fixture.name, keys: [("MaxRecvDataSegmentLength", "\(length)")], tsih: tsih,
      connectionID: connectionID)
    return (further, login.response)
  }

  private func logOut(_ connectionID: UInt16) -> BasicHeaderSegment {
    LogoutRequest(
      reason: .removeConnectionForRecovery, initiatorTaskTag: InitiatorTaskTag(rawValue: 900),
      connectionID: connectionID, cmdSN: SerialNumber(rawValue: 8),
      expStatSN: SerialNumber(rawValue: 2)
    ).header
  }

  private func reassign(_ task: UInt32, expDataSN: UInt32 = 0) -> BasicHeaderSegment {
    TaskManagementRequest(
      function: .taskReassign, logicalUnit: LogicalUnitNumber(rawValue: 0),
      initiatorTaskTag: InitiatorTaskTag(rawValue: 901),
      referencedTaskTag: InitiatorTaskTag(rawValue: task), cmdSN: SerialNumber(rawValue: 8),
      expStatSN: SerialNumber(rawValue: 2), expDataSN: expDataSN
    ).header
  }

  private func code(_ units: [ProtocolDataUnit]) throws -> TaskManagementResponse.Response? {
    TaskManagementResponse(try #require(units.first).header).response
  }

  @Test("a task is still allegiant until its connection is logged out, then its answer comes again")
  func read() throws {
    var (portal, first, tsih) = try session()
    var further = try join(portal, tsih: tsih, 1).further
    let sent = try first.command(Fixture.read10(0, 3), read: 1536)
    #expect(sent.map(\.header.opcode) == [.dataIn, .dataIn, .dataIn, .scsiResponse])
    first.connection.connectionLost()
    #expect(portal.targets[0].sessions[0].connections.map(\.connectionID) == [1])
    #expect(try code(further.exchange(reassign(first.tag))) == .taskStillAllegiant)
    #expect(
      LogoutResponse(try further.exchange(logOut(5))[0].header).response == .connectionIDNotFound)
    let response = LogoutResponse(try further.exchange(logOut(0))[0].header)
    #expect(response.response == .closed && response.time2Retain == 20)
    #expect(try code(further.exchange(reassign(999))) == .taskDoesNotExist)
    let again = try further.exchange(reassign(first.tag, expDataSN: 1))
    #expect(
      again.map(\.header.opcode) == [.taskManagementResponse, .dataIn, .dataIn, .scsiResponse])
    #expect(again[1].data == sent[1].data && DataIn(again[1].header).dataSN == 1)
    #expect(SCSIResponse(again[3].header).expDataSN == 3)
    // Its status acknowledged, it is gone.
    var ping = NOPOut(
      initiatorTaskTag: InitiatorTaskTag(rawValue: 5), cmdSN: SerialNumber(rawValue: 8),
      expStatSN: SerialNumber(rawValue: again[3].header.statSN.rawValue + 1)
    ).header
    ping.cmdSN = SerialNumber(rawValue: 8)
    _ = try further.exchange(ping)
    #expect(try code(further.exchange(reassign(first.tag))) == .taskDoesNotExist)
  }

  @Test("data are cut as the new connection takes them, and all anew for an R-Data SNACK")
  func resegmented() throws {
    var (portal, first, tsih) = try session()
    var further = try join(portal, tsih: tsih, 1, length: 1024).further
    let sent = try first.command(Fixture.read10(0, 3), read: 1536)
    first.connection.connectionLost()
    _ = try further.exchange(logOut(0))
    let again = try further.exchange(reassign(first.tag, expDataSN: 1))
    // Bursts of 512 bytes bound them; what was acknowledged are bytes.
    #expect(again[1...2].map(\.data) == sent[1...2].map(\.data))
    func snack(tag: UInt32) -> BasicHeaderSegment {
      SNACKRequest(
        kind: .rData, initiatorTaskTag: InitiatorTaskTag(rawValue: first.tag),
        targetTransferTag: TargetTransferTag(rawValue: tag),
        expStatSN: again[3].header.statSN, begRun: 0, runLength: 0
      ).header
    }
    for tag in [5, 6] as [UInt32] {
      let anew = try further.exchange(snack(tag: tag))
      #expect(anew.map(\.header.opcode) == [.dataIn, .dataIn, .scsiResponse])
      #expect(anew[..<2].map { DataIn($0.header).dataSN } == [1, 2])
      #expect(SCSIResponse(anew[2].header).snackTag == tag)
      #expect(anew[2].header.statSN == again[3].header.statSN)
    }
    for tag in [0, 6, .max] as [UInt32] {
      let refused = try further.exchange(snack(tag: tag))
      #expect(Reject(refused[0].header).reason == .protocolError)
    }
  }

  @Test("a write goes on where its data had come to, behind a login with the same CID")
  func write() throws {
    var (portal, first, tsih) = try session()
    let data = (0..<1024).map { UInt8(truncatingIfNeeded: $0 &* 7) }
    let asked = try first.command(Fixture.write10(0, 2), write: 1024)
    _ = try first.answer(asked[0], with: data)
    first.connection.connectionLost()
    var (second, login) = try join(portal, tsih: tsih, 0)
    #expect(login.statusClass == 0 && login.tsih == tsih && login.header.expCmdSN.rawValue == 8)
    let again = try second.exchange(reassign(first.tag))
    #expect(again.map(\.header.opcode).prefix(2) == [.taskManagementResponse, .readyToTransfer])
    var units = Array(again[1...])
    var response: ProtocolDataUnit?
    var offsets: [UInt32] = []
    while let unit = units.popLast() {
      guard unit.header.opcode == .readyToTransfer else {
        response = unit
        continue
      }
      offsets.append(ReadyToTransfer(unit.header).bufferOffset)
      units += try second.answer(unit, with: data)
    }
    #expect(offsets == [512])
    #expect(SCSIResponse(try #require(response).header).status == .good)
    let read = try second.command(Fixture.read10(0, 2), read: 1024)
    #expect(read.flatMap(\.data) == data)
  }

  @Test("after Time2Retain tasks, and a session without connections, are gone")
  func retention() throws {
    var (portal, first, tsih) = try session()
    var further = try join(portal, tsih: tsih, 1).further
    _ = try first.command(Fixture.read10(0, 1), read: 512)
    first.connection.connectionLost()
    _ = try further.exchange(logOut(0))
    further.now = 20_000
    #expect(try code(further.exchange(reassign(first.tag))) == .taskDoesNotExist)
    further.connection.connectionLost()
    #expect(try join(portal, tsih: tsih, 1, at: 39_999).response.statusClass == 0)
    portal.connections.last?.connectionLost()
    #expect(try join(portal, tsih: tsih, 1, at: 60_000).response.statusDetail == 0x0A)
  }

  @Test("a target of level 1 does none of this")
  func levelOne() throws {
    let plain = Fixture.portal { $0.errorRecoveryLevel = 1 }
    var other = HandInitiator(plain)
    _ = try other.login(Fixture.name, keys: Self.keys)
    #expect(try code(other.exchange(reassign(1))) == .taskAllegianceReassignmentNotSupported)
    #expect(
      LogoutResponse(try other.exchange(logOut(3))[0].header).response == .recoveryNotSupported)
  }
}
