import ISCSI
import Testing
import Wire

@testable import TargetSimulator

@Suite("The target's login (RFC 7143, 6.3)")
struct LoginTests {
  @Test("the first response is these bytes")
  func exactBytes() throws {
    let initiator = HandInitiator(Fixture.portal())
    let request = LoginRequest(
      current: .operationalNegotiation, next: .fullFeaturePhase,
      isid: ISID(rawValue: 0x8012_3456_0001), tsih: 0,
      initiatorTaskTag: InitiatorTaskTag(rawValue: 0xA), connectionID: 0,
      cmdSN: SerialNumber(rawValue: 7), expStatSN: SerialNumber(rawValue: 0))
    let text = KeyValueText([
      ("InitiatorName", "iqn.x:a"), ("TargetName", Fixture.name), ("ImmediateData", "Yes"),
    ])
    let bytes = ProtocolDataUnit(header: request.header, data: text.encoded).encoded()
    let answer = Array(
      "TargetPortalGroupTag=1\0ImmediateData=Yes\0MaxRecvDataSegmentLength=262144\0".utf8)
    let expected: [UInt8] =
      [
        0x23, 0x87, 0, 0, 0, 0, 0, UInt8(answer.count), 0x80, 0x12, 0x34, 0x56, 0, 1, 0, 1,
        0, 0, 0, 0xA, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 7,
        0, 0, 0, 0x86, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
      ] + answer + [UInt8](repeating: 0, count: -answer.count & 3)
    #expect(initiator.connection.receive(bytes) == [.send(expected)])
  }

  @Test("drip-fed bytes come to the same session")
  func dripFed() throws {
    let portal = Fixture.portal()
    let initiator = HandInitiator(portal)
    let request = LoginRequest(
      current: .operationalNegotiation, next: .fullFeaturePhase, isid: ISID(rawValue: 1), tsih: 0,
      initiatorTaskTag: InitiatorTaskTag(rawValue: 1), connectionID: 0,
      cmdSN: SerialNumber(rawValue: 1), expStatSN: SerialNumber(rawValue: 0))
    let text = KeyValueText([("InitiatorName", "iqn.x:a"), ("TargetName", Fixture.name)])
    for byte in ProtocolDataUnit(header: request.header, data: text.encoded).encoded() {
      #expect(initiator.connection.session == nil)
      _ = initiator.connection.receive([byte])
    }
    #expect(initiator.connection.session?.tsih == 1)
  }

  @Test("keys are answered by RFC 7143's result functions (13)")
  func negotiation() throws {
    var initiator = HandInitiator(Fixture.portal())
    let (_, text) = try initiator.login(
      Fixture.name,
      keys: [
        ("HeaderDigest", "CRC32C,None"), ("DataDigest", "None"), ("InitialR2T", "Yes"),
        ("ImmediateData", "No"), ("MaxBurstLength", "65536"), ("FirstBurstLength", "131072"),
        ("MaxOutstandingR2T", "9"), ("ErrorRecoveryLevel", "2"), ("MaxConnections", "8"),
        ("OFMarker", "Yes"), ("X-com.example", "1"), ("MaxRecvDataSegmentLength", "4096"),
      ])
    #expect(text["HeaderDigest"] == "CRC32C")
    #expect(text["DataDigest"] == "None")
    #expect(text["InitialR2T"] == "Yes")
    #expect(text["ImmediateData"] == "No")
    #expect(text["MaxBurstLength"] == "65536")
    #expect(text["MaxOutstandingR2T"] == "4")
    #expect(text["ErrorRecoveryLevel"] == "0")
    #expect(text["MaxConnections"] == "1")
    #expect(text["OFMarker"] == "No")
    #expect(text["X-com.example"] == "NotUnderstood")
    #expect(initiator.connection.negotiated.maxSendDataSegmentLength == 4096)
    #expect(initiator.connection.negotiated.firstBurstLength <= 65536)
  }

  @Test("an unknown target is 0203h, a wrong secret 0201h, both close")
  func refusals() throws {
    let portal = Fixture.portal()
    var initiator = HandInitiator(portal)
    let unknown = try initiator.login("iqn.2026-01.org.example:none").response
    #expect(unknown.statusClass == 2 && unknown.statusDetail == 3)
    #expect(initiator.endings == [.close])

    portal.targets[0].credentials = .init(user: "u", secret: "right-secret")
    initiator = HandInitiator(portal)
    let skipped = try initiator.login(Fixture.name).response
    #expect(skipped.statusClass == 2 && skipped.statusDetail == 1)
    #expect(portal.connections.isEmpty)
  }

  @Test("CHAP in three steps; mutual when asked", arguments: ["right-secret", "wrong-secret"])
  func chap(secret: String) throws {
    let portal = Fixture.portal()
    portal.targets[0].credentials = .init(
      user: "u", secret: "right-secret", mutual: ("t", "target-secret"))
    var initiator = HandInitiator(portal)
    let security = LoginStage.securityNegotiation
    let first = try initiator.login(
      Fixture.name, keys: [("AuthMethod", "CHAP,None")], stage: security,
      next: .operationalNegotiation)
    #expect(first.text["AuthMethod"] == "CHAP" && !first.response.transits)
    let challenge = try initiator.loginStep(
      KeyValueText([("CHAP_A", "9,5")]), stage: security, next: nil
    ).text
    #expect(challenge["CHAP_A"] == "5")
    let identifier = UInt8(challenge["CHAP_I"]?.textNumber ?? 0)
    let bytes = challenge["CHAP_C"]?.textBytes ?? []
    #expect(bytes.count == 16)
    let last = try initiator.loginStep(
      KeyValueText([
        ("CHAP_N", "u"),
        ("CHAP_R", CHAPAuthenticator.response(identifier, secret, bytes).textValue),
        ("CHAP_I", "9"), ("CHAP_C", "0x0102030405060708"),
      ]), stage: security, next: .fullFeaturePhase)
    guard secret == "right-secret" else {
      #expect(last.response.statusClass == 2 && last.response.statusDetail == 1)
      return
    }
    #expect(last.response.transits && initiator.connection.session != nil)
    #expect(last.text["CHAP_N"] == "t")
    let proof = CHAPAuthenticator.response(9, "target-secret", [1, 2, 3, 4, 5, 6, 7, 8])
    #expect(last.text["CHAP_R"]?.textBytes == proof)
  }

  @Test("the same name and ISID reinstate the session: the old one ends first (6.3.5)")
  func reinstatement() throws {
    let portal = Fixture.portal()
    var old = HandInitiator(portal)
    _ = try old.login(Fixture.name)
    var new = HandInitiator(portal)
    _ = try new.login(Fixture.name)
    #expect(try old.answers(to: old.connection.actions()).isEmpty)
    #expect(old.endings == [.reset] && old.connection.isClosed)
    #expect(portal.targets[0].sessions.count == 1)
    var other = HandInitiator(portal)
    _ = try other.login(Fixture.name, isid: 0x8000_0000_0002)
    #expect(portal.targets[0].sessions.count == 2)
  }

  @Test("SendTargets of 300 targets comes in PDUs the initiator takes")
  func sendTargets() throws {
    let portal = SimulatedPortal(
      targets: (0..<300).map { SimulatedTarget(name: "iqn.2026-01.org.example:disk\($0)") })
    var initiator = HandInitiator(portal)
    _ = try initiator.login(nil, keys: [("MaxRecvDataSegmentLength", "512")])
    var request = TextRequest(
      isFinal: true, initiatorTaskTag: InitiatorTaskTag(rawValue: 2), cmdSN: initiator.cmdSN,
      expStatSN: SerialNumber(rawValue: 0))
    var text: [UInt8] = []
    var data = KeyValueText([("SendTargets", "All")]).encoded
    while true {
      request.header.cmdSN = initiator.cmdSN
      initiator.cmdSN = initiator.cmdSN.successor
      let answer = try #require(try initiator.exchange(request.header, data: data).first)
      #expect(answer.data.count <= 512)
      text += answer.data
      guard TextResponse(answer.header).continues else { break }
      request.header.targetTransferTag = answer.header.targetTransferTag
      data = []
    }
    let pairs = try #require(KeyValueText(parsing: text)).pairs
    #expect(pairs.count == 600)
    #expect(pairs[599] == .init("TargetAddress", "127.0.0.1:3260,1"))
  }
}
