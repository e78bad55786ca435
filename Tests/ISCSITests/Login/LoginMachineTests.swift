import Testing
import Wire

@testable import ISCSI

@Suite("Login (RFC 7143, 6.3)")
struct LoginMachineTests {
  @Test("L01, L11 a standard login: flags, names, one tag, one CmdSN, numbers handed over")
  func standard() throws {
    var login = ScriptedLogin()
    #expect(
      login.request.encoded().prefix(48)
        == bytes(
          """
          43 81 00 00  00 00 00 74  80 12 34 56  00 01  00 00  00000000  0000 0000
          00000001  00000000  00000000 00000000 00000000 00000000
          """)[...])
    #expect(
      login.request.data
        == Array(
          ("InitiatorName=iqn.2001-04.com.example:me\0TargetName=iqn.2001-04.com.example:disk\0"
            + "SessionType=Normal\0AuthMethod=None\0").utf8))
    try login.passSecurity()
    #expect(login.request.header.flags == 0x87)
    #expect(
      login.said.map { "\($0.key)=\($0.value)" } == [
        "HeaderDigest=None", "DataDigest=None", "MaxConnections=1", "InitialR2T=No",
        "ImmediateData=Yes", "MaxRecvDataSegmentLength=262144", "MaxBurstLength=16776192",
        "FirstBurstLength=262144", "DefaultTime2Wait=0", "DefaultTime2Retain=0",
        "MaxOutstandingR2T=8", "DataPDUInOrder=Yes", "DataSequenceInOrder=Yes",
        "ErrorRecoveryLevel=0",
      ])
    #expect(login.view.header.cmdSN.rawValue == 1 && login.view.tsih == 0)
    let result = try #require(try login.finish("TargetPortalGroupTag=1\0TargetAlias=a disk\0"))
    #expect(result.tsih == 0x1234 && result.targetPortalGroupTag == 1)
    #expect(result.targetAlias == "a disk" && result.cmdSN.rawValue == 1)
    #expect(result.expStatSN.rawValue == 2 && result.maxCmdSN.rawValue == 32)
    #expect(throws: LoginError.alreadyEnded) { try login.answer("") }
  }

  @Test("L02, L03, L04 the session's handle")
  func handle() throws {
    var login = ScriptedLogin()
    try login.passSecurity()
    #expect(throws: LoginError.tsih(0)) {
      try login.answer("", next: .fullFeaturePhase, tsih: 0)
    }
    var early = ScriptedLogin()
    try early.answer("", current: .securityNegotiation, tsih: 7)
    #expect(throws: LoginError.tsih(8)) {
      try early.answer("", current: .securityNegotiation, tsih: 8)
    }
    var lenient = ScriptedLogin { $0.acceptsZeroTSIH = true }
    try lenient.passSecurity()
    guard case .completed(let result) = try lenient.answer("", next: .fullFeaturePhase) else {
      return #expect(Bool(false))
    }
    #expect(result.tsih == 0)

    let session = LoginSession.connection(
      targetName: ScriptedLogin.targetName, tsih: 0x55, session: NegotiatedParameters())
    var second = ScriptedLogin(session: session) { $0.connectionID = 1 }
    #expect(second.view.tsih == 0x55 && second.view.connectionID == 1)
    #expect(throws: LoginError.tsih(0x56)) {
      try second.answer("", current: .securityNegotiation, tsih: 0x56)
    }
  }

  @Test("M01 a second connection negotiates only what belongs to a connection")
  func additional() throws {
    var values = NegotiatedParameters()
    values.maxBurstLength = 12345
    let session = LoginSession.connection(
      targetName: ScriptedLogin.targetName, tsih: 0x55, session: values)
    var login = ScriptedLogin(session: session) {
      $0.connectionID = 2
      $0.cmdSN = SerialNumber(rawValue: 0x0102_0304)
    }
    // The session's ISID and TSIH, a CID of its own, the number of the next command.
    #expect(
      login.request.encoded().prefix(48)
        == bytes(
          """
          43 81 00 00  00 00 00 61  80 12 34 56  00 01  00 55  00000000  0002 0000
          01020304  00000000  00000000 00000000 00000000 00000000
          """)[...])
    // No SessionType (13.21).
    #expect(login.said.map(\.key) == ["InitiatorName", "TargetName", "AuthMethod"])
    try login.answer(
      "AuthMethod=None\0", current: .securityNegotiation, next: .operationalNegotiation, tsih: 0x55)
    #expect(
      login.said.map(\.key) == ["HeaderDigest", "DataDigest", "MaxRecvDataSegmentLength"])
    let action = try login.answer(
      "MaxRecvDataSegmentLength=4096\0", next: .fullFeaturePhase, tsih: 0x55)
    guard case .completed(let result) = action else { return #expect(Bool(false)) }
    #expect(result.negotiated.maxBurstLength == 12345)
    #expect(result.negotiated.maxXmitDataSegmentLength == 4096)
  }

  @Test("M01 a key of the session's that a target offers to a second connection changes nothing")
  func sessionKeyOfAdditional() throws {
    var values = NegotiatedParameters()
    values.maxConnections = 4
    let session = LoginSession.connection(
      targetName: ScriptedLogin.targetName, tsih: 0x55, session: values)
    var login = ScriptedLogin(session: session)
    try login.answer(
      "AuthMethod=None\0", current: .securityNegotiation, next: .operationalNegotiation, tsih: 0x55)
    // As tgt 1.0.85 does, which then rejects its own key.
    try login.answer(
      "HeaderDigest=None\0DataDigest=None\0MaxConnections=8\0InitialR2T=No\0ErrorRecoveryLevel=2\0",
      tsih: 0x55)
    #expect(
      login.said.map { "\($0.key)=\($0.value)" } == [
        "MaxConnections=4", "InitialR2T=Yes", "ErrorRecoveryLevel=0",
      ])
    let action = try login.answer(
      "MaxConnections=Reject\0", next: .fullFeaturePhase, tsih: 0x55)
    guard case .completed(let result) = action else { return #expect(Bool(false)) }
    #expect(result.negotiated.maxConnections == 4)
    var twice = ScriptedLogin(session: session)
    try twice.answer(
      "AuthMethod=None\0", current: .securityNegotiation, next: .operationalNegotiation, tsih: 0x55)
    try twice.answer("MaxConnections=8\0", tsih: 0x55)
    #expect(throws: LoginError.repeatedKey("MaxConnections")) {
      try twice.answer("MaxConnections=8\0", tsih: 0x55)
    }
  }

  @Test("L06, H30 T refused: asks again, empty, at most 32 times")
  func patience() throws {
    var login = ScriptedLogin()
    try login.passSecurity()
    for _ in 0..<3 {
      // tgt leaves NSG set where T is not.
      try login.answer("") { $0.header.flags |= 0x03 }
      #expect(login.request.data.isEmpty && login.view.transits)
    }
    #expect(try login.finish() != nil)

    var endless = ScriptedLogin()
    #expect(throws: LoginError.tooManyExchanges(limit: 32)) {
      for _ in 0..<100 {
        try endless.answer("", current: .securityNegotiation) { $0.header.flags |= 0x03 }
      }
    }
  }

  @Test("L07 a stage change nobody asked for, beyond the asked, or to stage 2")
  func transitions() throws {
    var beyond = ScriptedLogin()
    #expect(throws: LoginError.transition(3)) {
      try beyond.answer("", current: .securityNegotiation, next: .fullFeaturePhase, tsih: 1)
    }
    var nowhere = ScriptedLogin()
    #expect(throws: LoginError.transition(2)) {
      try nowhere.answer("", current: .securityNegotiation) { $0.header.flags |= 0x82 }
    }
    var back = ScriptedLogin()
    try back.passSecurity()
    #expect(throws: LoginError.transition(1)) {
      try back.answer("", next: .operationalNegotiation)
    }
    var unasked = try Self.withLongAnswers()
    #expect(unasked.view.continues && !unasked.view.transits)
    #expect(throws: LoginError.transition(3)) {
      try unasked.answer("", next: .fullFeaturePhase, tsih: 1)
    }
  }

  /// A login whose answers to unknown keys take more than one PDU.
  private static func withLongAnswers() throws -> ScriptedLogin {
    var login = ScriptedLogin()
    try login.passSecurity()
    for part in 0..<2 {
      let keys = (0..<130).map { "X-\(part)-\($0)-" + String(repeating: "k", count: 48) + "=1\0" }
      try login.answer(keys.joined(), continues: part == 0)
    }
    return login
  }

  @Test("L05 every request of a whole login has legal T, C, CSG and NSG")
  func stageBits() throws {
    var login = ScriptedLogin {
      $0.authentication = .chapRequired(
        CHAPParameters(CHAPCredentials(name: "user", secret: [1, 2, 3])))
    }
    var flags = [login.request.header.flags]
    func note(_ login: ScriptedLogin) { flags.append(login.request.header.flags) }
    try login.answer("AuthMethod=CHAP\0", current: .securityNegotiation)
    note(login)
    try login.answer(
      "CHAP_A=5\0CHAP_I=1\0CHAP_C=0x0011223344556677\0", current: .securityNegotiation)
    note(login)
    try login.answer("", current: .securityNegotiation, next: .operationalNegotiation)
    note(login)
    try login.answer("X-a=1\0", continues: true)
    note(login)
    try login.answer("X-b=1\0")
    note(login)
    // CSG 0: offer, CHAP_A, then T to stage 1; CSG 1: T to stage 3, an empty one for C, T again.
    #expect(flags == [0x00, 0x00, 0x81, 0x87, 0x04, 0x87])

    var long = try Self.withLongAnswers()
    while long.view.continues {
      #expect(long.request.header.flags == 0x44)
      try long.answer("")
    }
    #expect(long.request.header.flags == 0x87)
  }

  @Test("L08, L09 StatSN starts anywhere, wraps, and is acknowledged")
  func statusNumbers() throws {
    var login = ScriptedLogin()
    login.statSN = SerialNumber(rawValue: 0xFFFF_FFFE)
    try login.passSecurity()
    #expect(login.request.header.expStatSN.rawValue == 0xFFFF_FFFF)
    #expect(try login.finish()?.expStatSN.rawValue == 0)
    var jump = ScriptedLogin()
    try jump.passSecurity()
    jump.statSN = SerialNumber(rawValue: 9)
    #expect(
      throws: LoginError.statSN(SerialNumber(rawValue: 9), expected: SerialNumber(rawValue: 1))
    ) { try jump.answer("") }
  }

  @Test("L16 keys nobody knows are answered NotUnderstood, once")
  func unknown() throws {
    var login = ScriptedLogin()
    try login.answer(
      "AuthMethod=None\0X-com.foo=1\0X#foo=2\0Mystery=NotUnderstood\0",
      current: .securityNegotiation, next: .operationalNegotiation)
    #expect(login.said("X-com.foo") == "NotUnderstood" && login.said("X#foo") == "NotUnderstood")
    #expect(login.said("Mystery") == nil)
    #expect(try login.finish() != nil)
  }

  @Test("L21 markers are answered No or Reject, never NotUnderstood")
  func markers() throws {
    var login = ScriptedLogin()
    try login.passSecurity()
    try login.answer("IFMarker=Yes\0OFMarker=No\0OFMarkInt=1~2\0IFMarkInt=2048\0")
    #expect(login.said.map(\.value) == ["No", "No", "Reject", "Reject"])
  }

  @Test("L17 other PDUs end the login", arguments: [0x20, 0x25, 0x3F, 0x03, 0x3E, 0x31] as [UInt8])
  func otherPDUs(_ opcode: UInt8) {
    var login = ScriptedLogin()
    let unit = ProtocolDataUnit(header: BasicHeaderSegment(opcode: Opcode(rawValue: opcode)))
    #expect(throws: LoginError.unexpectedPDU(Opcode(rawValue: opcode))) {
      try login.machine.received(unit)
    }
    #expect(throws: LoginError.alreadyEnded) { try login.machine.received(unit) }
  }

  @Test("L20, L31 the portal group may be missing, with a warning; not another one, and not junk")
  func portalGroup() throws {
    let warning = "! the target did not say its TargetPortalGroupTag"
    var missing = ScriptedLogin { $0.expectedTargetPortalGroupTag = 1 }
    try missing.passSecurity()
    #expect(try missing.finish()?.targetPortalGroupTag == nil)
    #expect(missing.machine.transcript.lines.last == warning)
    var declared = ScriptedLogin { $0.expectedTargetPortalGroupTag = 1 }
    try declared.passSecurity()
    try declared.answer(
      "TargetPortalGroupTag=1\0TargetAlias=a disk\0TargetName=\(ScriptedLogin.targetName)\0")
    #expect(declared.said.isEmpty)
    #expect(try declared.finish()?.targetPortalGroupTag == 1)
    #expect(!declared.machine.transcript.lines.contains(warning))
    var discovery = ScriptedLogin(session: .discovery)
    try discovery.passSecurity()
    _ = try discovery.finish()
    #expect(!discovery.machine.transcript.lines.contains(warning))
    var changed = ScriptedLogin { $0.expectedTargetPortalGroupTag = 1 }
    #expect(throws: LoginError.targetPortalGroupTag(2, expected: 1)) {
      try changed.answer("TargetPortalGroupTag=2\0", current: .securityNegotiation)
    }
    var junk = ScriptedLogin()
    #expect(throws: LoginError.self) {
      try junk.answer("TargetPortalGroupTag=65536\0", current: .securityNegotiation)
    }
  }

  @Test("L29 discovery names no target and offers no data keys")
  func discovery() throws {
    var login = ScriptedLogin(session: .discovery)
    #expect(login.said("TargetName") == nil && login.said("SessionType") == "Discovery")
    try login.passSecurity()
    #expect(
      login.said.map(\.key) == [
        "HeaderDigest", "DataDigest", "MaxRecvDataSegmentLength", "DefaultTime2Wait",
        "DefaultTime2Retain", "ErrorRecoveryLevel",
      ])
    #expect(login.said("MaxRecvDataSegmentLength") == "32768")
    try login.answer("MaxConnections=4\0")
    #expect(login.said("MaxConnections") == "Irrelevant")
    let last = try login.answer("", next: .fullFeaturePhase, tsih: 0)
    guard case .completed = last else { return #expect(Bool(false)) }
  }

  @Test("L32 text split at every byte by the C bit is joined")
  func continuation() throws {
    let text = "InitialR2T=Yes\0MaxBurstLength=65536\0FirstBurstLength=4096\0"
    for first in 0...text.count {
      try join(text, at: [first])
      for second in stride(from: first, through: text.count, by: 7) {
        try join(text, at: [first, second])
        try join(text, at: [first, second, (second + text.count + 1) / 2])
      }
    }
    var both = ScriptedLogin()
    #expect(throws: LoginError.continuation) {
      try both.answer("", current: .securityNegotiation, next: .operationalNegotiation) {
        $0.header.flags |= 0x40
      }
    }
  }

  /// A login whose operational text comes in pieces, each but the last with C: each of them gets an
  /// empty request in the same stage.
  private func join(_ text: String, at splits: [Int]) throws {
    var login = ScriptedLogin()
    try login.passSecurity()
    let bounds = [0] + splits + [text.count]
    let pieces = zip(bounds, bounds.dropFirst()).map { String(text.dropFirst($0).prefix($1 - $0)) }
    for piece in pieces.dropLast() {
      try login.answer(piece, continues: true)
      #expect(login.request.data.isEmpty && login.request.header.flags == 0x04)
    }
    try login.answer(pieces[pieces.count - 1])
    let result = try login.finish()?.negotiated
    #expect(
      result?.initialR2T == true && result?.firstBurstLength == 4096
        && result?.maxBurstLength == 65536, "\(pieces)")
  }

  @Test("H31 C for ever is bounded in bytes and in exchanges")
  func endlessText() {
    var login = ScriptedLogin()
    #expect(throws: LoginError.text(.textTooLong(limit: 65536))) {
      for _ in 0..<20 {
        try login.answer(
          String(repeating: "a", count: 8192), current: .securityNegotiation, continues: true)
      }
    }
    var empty = ScriptedLogin()
    #expect(throws: LoginError.tooManyExchanges(limit: 32)) {
      for _ in 0..<40 { try empty.answer("", current: .securityNegotiation, continues: true) }
    }
  }

  @Test("L11 our own text above 8192 bytes goes out in pieces, C on all but the last")
  func longText() throws {
    var login = ScriptedLogin()
    try login.passSecurity()
    let keys = (0..<300).map { "X-\($0)-" + String(repeating: "k", count: 55) }
    let text = keys.map { $0 + "=1\0" }.joined()
    for start in stride(from: 0, to: text.count, by: 8192) {
      let piece = text.dropFirst(start).prefix(8192)
      try login.answer(String(piece), continues: start + 8192 < text.count)
    }
    var sent = login.request.data
    while login.view.continues {
      #expect(login.request.data.count == 8192 && !login.view.transits)
      try login.answer("")
      sent += login.request.data
    }
    #expect(login.view.transits)
    let answers = try TextParameter.parameters(parsing: sent)
    #expect(answers == keys.map { TextParameter($0, "NotUnderstood") })
  }

  @Test("L33 redirections name their portals")
  func redirect() throws {
    var login = ScriptedLogin()
    let moved = try login.answer(
      "TargetAddress=10.0.0.2:3261,1\0TargetAddress=[2001:db8::1]\0TargetAddress=/junk\0",
      current: .securityNegotiation
    ) { $0.header.word4 |= 0x0101_0000 }
    #expect(
      moved
        == .redirected(
          portals: [
            Portal(host: "10.0.0.2", port: 3261, targetPortalGroupTag: 1),
            Portal(host: "2001:db8::1"),
          ], isTemporary: true))
    var lost = ScriptedLogin()
    #expect(throws: LoginError.redirectedNowhere) {
      try lost.answer("", current: .securityNegotiation) { $0.header.word4 |= 0x0102_0000 }
    }
  }

  struct Refusal {
    let status: UInt64
    let words: String
    let code: InitiatorErrorCode
    let prospect: LoginStatus.Prospect
  }

  static let refusals: [Refusal] = [
    Refusal(status: 0x0103, words: "Unknown status", code: .fatalLogin, prospect: .permanent),
    Refusal(status: 0x0200, words: "Initiator error", code: .fatalLogin, prospect: .permanent),
    Refusal(
      status: 0x0201, words: "Authentication failure", code: .loginAuthenticationFailed,
      prospect: .permanent),
    Refusal(
      status: 0x0202, words: "Authorization failure", code: .loginAuthenticationFailed,
      prospect: .permanent),
    Refusal(status: 0x0203, words: "Not found", code: .fatalLogin, prospect: .permanent),
    Refusal(status: 0x0204, words: "Target removed", code: .fatalLogin, prospect: .permanent),
    Refusal(status: 0x0205, words: "Unsupported version", code: .fatalLogin, prospect: .permanent),
    Refusal(status: 0x0206, words: "Too many connections", code: .login, prospect: .afterWaiting),
    Refusal(status: 0x0207, words: "Missing parameter", code: .fatalLogin, prospect: .permanent),
    Refusal(
      status: 0x0208, words: "Can't include in session", code: .login, prospect: .afterWaiting),
    Refusal(
      status: 0x0209, words: "Session type not supported", code: .fatalLogin, prospect: .permanent),
    Refusal(
      status: 0x020A, words: "Session does not exist", code: .fatalLogin, prospect: .permanent),
    Refusal(
      status: 0x020B, words: "Invalid request during login", code: .fatalLogin,
      prospect: .permanent),
    Refusal(status: 0x0300, words: "Target error", code: .login, prospect: .transient),
    Refusal(status: 0x0301, words: "Service unavailable", code: .login, prospect: .transient),
    Refusal(status: 0x0302, words: "Out of resources", code: .login, prospect: .transient),
    Refusal(status: 0x020C, words: "Unknown status", code: .fatalLogin, prospect: .permanent),
    Refusal(status: 0xFFFF, words: "Unknown status", code: .fatalLogin, prospect: .permanent),
  ]

  @Test(
    "L34, L35, L36, L37 every refusal has its words, code and prospect, T or not",
    arguments: refusals.indices)
  func refused(_ index: Int) {
    let refusal = Self.refusals[index]
    var login = ScriptedLogin()
    do {
      try login.answer("", current: .securityNegotiation, next: .operationalNegotiation) {
        $0.header.word4 |= refusal.status << 16
      }
      Issue.record("accepted")
    } catch LoginError.refused(let status) {
      #expect(status.description == refusal.words && status.prospect == refusal.prospect)
      #expect(LoginError.refused(status).errorCode == refusal.code)
    } catch {
      Issue.record(error)
    }
  }

  @Test("L38, L39, L42 version, tag, ISID, stage, additional header and length are checked")
  func fields() {
    let changes: [(LoginError, (inout ProtocolDataUnit) -> Void)] = [
      (.version(maximum: 0, active: 1), { $0.header.byte3 = 1 }),
      (.version(maximum: 1, active: 0), { $0.header.byte2 = 1 }),
      (
        .initiatorTaskTag(InitiatorTaskTag(rawValue: 9)),
        { $0.header.initiatorTaskTag = InitiatorTaskTag(rawValue: 9) }
      ),
      (.isid(ISID(rawValue: 5)), { $0.header.word1 = 5 << 16 }),
      (.currentStage(1), { $0.header.flags |= 0x04 }),
      (.currentStage(2), { $0.header.flags |= 0x08 }),
      (.additionalHeader(byteCount: 4), { $0.additionalHeader = [0, 0, 0, 0] }),
      (.dataSegmentTooLong(byteCount: 8193), { $0.data = [UInt8](repeating: 0, count: 8193) }),
    ]
    for (expected, change) in changes {
      var login = ScriptedLogin()
      #expect(throws: expected) {
        try login.answer("", current: .securityNegotiation, change: change)
      }
      #expect(!expected.sentence.isEmpty)
    }
  }

  @Test("L41 one pair of PDUs logs in when nobody authenticates")
  func single() throws {
    var login = ScriptedLogin { $0.startsOperational = true }
    #expect(login.request.header.flags == 0x87 && login.said("AuthMethod") == nil)
    #expect(login.said("InitiatorName") != nil && login.said("MaxBurstLength") != nil)
    #expect(try login.finish() != nil)
  }

  @Test("a login fed byte by byte is the same login")
  func dripFed() throws {
    var machine = ScriptedLogin()
    var assembler = PDUAssembler(maximumDataSegmentLength: LoginMachine.maximumDataSegmentLength)
    let response = LoginResponse(
      current: .securityNegotiation, next: .operationalNegotiation, isid: ScriptedLogin.isid,
      tsih: 0, initiatorTaskTag: InitiatorTaskTag(rawValue: 0), statSN: SerialNumber(rawValue: 5),
      expCmdSN: SerialNumber(rawValue: 1), maxCmdSN: SerialNumber(rawValue: 1))
    let unit = ProtocolDataUnit(header: response.header, data: Array("AuthMethod=None\0".utf8))
    var actions: [LoginAction] = []
    for byte in unit.encoded() {
      assembler.append(CollectionOfOne(byte))
      if let unit = try assembler.next() { actions.append(try machine.machine.received(unit)) }
    }
    #expect(actions.count == 1)
    guard case .send(let next) = actions.first else { return #expect(Bool(false)) }
    #expect(next.header.flags == 0x87 && next.header.expStatSN.rawValue == 6)
  }
}
