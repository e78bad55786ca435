import ISCSI
import Wire

/// A login with a target that may say anything.
///
/// Input: what the initiator wants (one byte), then its responses with FFh between them: flags, a
/// byte that says which field is spoiled, and the text.
enum LoginProperties {
  private static let secret = Array("Zs3cr3t-of-the-fuzzerZ".utf8)

  static func check(_ bytes: [UInt8]) throws(Disagreement) {
    var input = FuzzInput(bytes)
    let wish = input.byte()
    var login = FuzzLogin(session: session(wish)) { parameters in
      parameters.startsOperational = wish & 0x04 != 0
      parameters.acceptsZeroTSIH = wish & 0x08 != 0
      let credentials = CHAPParameters(CHAPCredentials(name: "fuzzer", secret: secret))
      switch wish >> 4 & 3 {
      case 1: parameters.authentication = .chapRequired(credentials)
      case 2: parameters.authentication = .chapPreferred(credentials)
      default: parameters.authentication = .none
      }
      parameters.operational = offer(wish, parameters.operational)
    }
    for response in FuzzInput.pieces(of: input.remainder(), atMost: 64) {
      guard try answer(&login, response) else { break }
    }
    try checkTranscript(of: login)
    if let result = login.result {
      try checkResult(result, of: login)
    }
    if let portals = login.portals {
      try hold(!portals.isEmpty, "a redirection leads somewhere")
      for portal in portals { try NameProperties.check(portal) }
    }
    if login.hasEnded { try checkEnd(of: login) }
  }

  private static func session(_ wish: UInt8) -> LoginSession {
    switch wish & 3 {
    case 0, 1: .normal(targetName: "iqn.2026-11.org.example:fuzz")
    case 2: .discovery
    default:
      .connection(
        targetName: "iqn.2026-11.org.example:fuzz", tsih: 0x1234, session: NegotiatedParameters())
    }
  }

  private static func offer(
    _ wish: UInt8, _ standard: OperationalParameters
  ) -> OperationalParameters {
    var offer = standard
    switch wish >> 6 {
    case 1:
      (offer.headerDigest, offer.dataDigest) = ([.crc32c], [.crc32c, .none])
      (offer.initialR2T, offer.immediateData) = (true, false)
    case 2:
      (offer.headerDigest, offer.dataDigest) = ([.crc32c, .none], [.none, .crc32c])
      (offer.maxBurstLength, offer.firstBurstLength) = (65_536, 512)
      (offer.dataPDUInOrder, offer.dataSequenceInOrder) = (false, false)
      offer.errorRecoveryLevel = 2
      offer.taskReporting = [.fastAbort, .rfc3720]
      offer.iSCSIProtocolLevel = 2
    default: break
    }
    return offer
  }

  /// Plays one response; false when the login has ended.
  private static func answer(
    _ login: inout FuzzLogin, _ bytes: [UInt8]
  ) throws(Disagreement) -> Bool {
    var input = FuzzInput(bytes)
    let flags = input.byte()
    let spoiled = input.byte()
    let text = input.remainder()
    // T is set as often as it is asked for, so that a login gets on.
    let asked = login.asksToMoveOn && flags & 0x01 == 0 ? login.view.next : nil
    let moved: LoginStage? =
      flags & 0x02 == 0 ? asked : LoginStage(rawValue: flags >> 6) ?? .fullFeaturePhase
    let tsih: UInt16 = flags & 0x08 != 0 || moved == .fullFeaturePhase ? 0x1234 : 0
    let isAdditional = login.parameters.session.isAdditional
    return try login.answer(
      text, next: moved, continues: flags & 0x04 != 0 && moved == nil,
      tsih: isAdditional ? 0x1234 : tsih
    ) { spoil(&$0, spoiled, flags) }
  }

  private static func spoil(_ unit: inout ProtocolDataUnit, _ field: UInt8, _ flags: UInt8) {
    switch field {
    case 0xE0: unit.header = BasicHeaderSegment(opcode: .reject)
    case 0xE1: unit.header.byte2 = flags
    case 0xE2: unit.header.byte3 = flags
    case 0xE3: unit.header.word1 ^= 1 << UInt64(flags & 63)
    case 0xE4: unit.header.initiatorTaskTag = InitiatorTaskTag(rawValue: UInt32(flags))
    case 0xE5: unit.header.statSN = unit.header.statSN.advanced(by: UInt32(flags) &- 4)
    case 0xE6: unit.additionalHeader = [0, 0, 0, 0]
    case 0xE7: unit.header.flags = flags
    case 0xE8: unit.header.word1 &= ~0xFFFF
    case 0xF0...0xFE:
      unit.header.word4 |= UInt64(field & 3) << 24 | UInt64(flags & 0x0F) << 16
    default: break
    }
  }

  /// Lines are few, short and printable, and no secret is among what is said or shown.
  private static func checkTranscript(of login: FuzzLogin) throws(Disagreement) {
    let lines = login.machine.transcript.lines
    try hold(lines.count <= LoginTranscript.maximumLineCount, "a transcript has at most 512 lines")
    for line in lines {
      try hold(line.isPrintable, "a transcript is printable: \(line.debugDescription)")
      // A key, and 255 characters of at most four bytes, each escaped by four.
      try hold(line.utf8.count <= 4_400, "a line of a transcript is short: \(line.utf8.count)")
      try hold(!line.contains("Zs3cr3t"), "a transcript does not tell the secret: \(line)")
    }
    for parameter in login.allSaid {
      try hold(!parameter.value.contains("Zs3cr3t"), "\(parameter.key) does not tell the secret")
      // The response is shown masked, wherever it stands.
      if parameter.key == "CHAP_R" {
        try hold(!lines.contains { $0.contains(parameter.value) }, "a response is masked")
      }
    }
  }

  /// The values in force are those the keys' functions can make of our offer.
  private static func checkResult(
    _ result: LoginResult, of login: FuzzLogin
  ) throws(Disagreement) {
    let (offer, values) = (login.parameters.operational, result.negotiated)
    if case .chapRequired = login.parameters.authentication {
      try hold(login.allSaid.contains { $0.key == "CHAP_R" }, "no login without the CHAP required")
    }
    if login.parameters.session == .normal(targetName: "iqn.2026-11.org.example:fuzz") {
      try hold(result.tsih != 0 || login.parameters.acceptsZeroTSIH, "a session has a handle")
      try hold(values.maxBurstLength <= offer.maxBurstLength, "MaxBurstLength")
      try hold(values.firstBurstLength <= values.maxBurstLength, "FirstBurstLength")
      try hold(values.maxOutstandingR2T <= offer.maxOutstandingR2T, "MaxOutstandingR2T")
      try hold(values.maxOutstandingR2T > 0, "one R2T at least")
      try hold(values.maxConnections <= offer.maxConnections, "MaxConnections")
      try hold(values.errorRecoveryLevel <= offer.errorRecoveryLevel, "ErrorRecoveryLevel")
      try hold(values.defaultTime2Wait >= offer.defaultTime2Wait, "DefaultTime2Wait")
      try hold(values.defaultTime2Wait <= 3_600, "DefaultTime2Wait is at most an hour")
      try hold(values.defaultTime2Retain <= offer.defaultTime2Retain, "DefaultTime2Retain")
      try hold(values.initialR2T || !offer.initialR2T, "InitialR2T")
      try hold(!values.immediateData || offer.immediateData, "ImmediateData")
      try hold(values.dataPDUInOrder || !offer.dataPDUInOrder, "DataPDUInOrder")
      try hold(values.dataSequenceInOrder || !offer.dataSequenceInOrder, "DataSequenceInOrder")
    }
    try agree(values.maxRecvDataSegmentLength, offer.maxRecvDataSegmentLength, "what we take")
    try hold((512...16_777_215).contains(values.maxXmitDataSegmentLength), "what the target takes")
    for (holds, methods) in [
      (values.headerDigest, offer.headerDigest), (values.dataDigest, offer.dataDigest),
    ] {
      try hold(methods.contains(holds ? .crc32c : .none), "a digest is one that was offered")
    }
    if let alias = result.targetAlias {
      try hold(alias.utf8.count <= 3 * 255, "an alias is bounded: \(alias.utf8.count)")
    }
  }

  /// A login that has ended takes nothing more.
  private static func checkEnd(of login: FuzzLogin) throws(Disagreement) {
    var machine = login.machine
    let unit = ProtocolDataUnit(header: BasicHeaderSegment(opcode: .loginResponse))
    let found: LoginError?
    do {
      _ = try machine.received(unit)
      found = nil
    } catch { found = error }
    try agree(found, .alreadyEnded, "a PDU behind the end")
  }
}

extension LoginSession {
  fileprivate var isAdditional: Bool {
    if case .connection = self { true } else { false }
  }
}
