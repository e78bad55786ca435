import ISCSI
import Wire

/// The target's side of login: who, security, operational parameters, the session.
///
/// Source: RFC 7143, 6.3, 11.12 and 11.13.
extension TargetConnection {
  /// Text of one login, at most.
  private static let maximumTextByteCount = 65_536

  func login(_ unit: ProtocolDataUnit, _ progress: inout LoginProgress) {
    let request = LoginRequest(unit.header)
    do {
      try take(unit, request, &progress)
    } catch {
      answer(
        request, progress, stage: request.current ?? progress.stage, next: nil, text: error.text,
        failure: error)
      close()
    }
  }

  private func take(
    _ unit: ProtocolDataUnit, _ request: LoginRequest, _ progress: inout LoginProgress
  ) throws(LoginFailure) {
    guard request.versionMinimum == 0 else { throw .unsupportedVersion }
    guard let stage = request.current, stage != .fullFeaturePhase,
      unit.additionalHeader.isEmpty, !(request.transits && request.continues),
      !request.transits || (request.next.map { $0.rawValue > stage.rawValue } ?? false)
    else { throw .initiatorError }
    if progress.isFirst {
      progress.stage = stage
      progress.isid = request.isid
      progress.initiatorTaskTag = unit.header.initiatorTaskTag
      progress.cmdSN = unit.header.cmdSN
      connectionID = request.connectionID
    }
    guard stage == progress.stage, request.isid == progress.isid,
      unit.header.initiatorTaskTag == progress.initiatorTaskTag,
      progress.text.count + unit.data.count <= Self.maximumTextByteCount
    else { throw .invalidDuringLogin }

    progress.text += unit.data
    if request.continues {
      return answer(request, progress, stage: stage, next: nil, text: KeyValueText())
    }
    guard let text = KeyValueText(parsing: progress.text) else { throw .initiatorError }
    progress.text = []
    if progress.isFirst {
      try identify(request, text, &progress)
      progress.isFirst = false
    }
    var answers = KeyValueText()
    if progress.target != nil, !progress.hasToldPortalGroupTag {
      answers.append("TargetPortalGroupTag", String(portal.portalGroupTag))
      progress.hasToldPortalGroupTag = true
    }
    let mayTransit =
      stage == .securityNegotiation
      ? try negotiateSecurity(text, &progress, &answers)
      : try negotiateOperations(text, &progress, &answers)
    guard request.transits, mayTransit, let next = request.next else {
      return answer(request, progress, stage: stage, next: nil, text: answers)
    }
    try transit(request, to: next, &progress, answers)
  }

  /// Reads who logs in where, from the first request.
  private func identify(
    _ request: LoginRequest, _ text: KeyValueText, _ progress: inout LoginProgress
  ) throws(LoginFailure) {
    guard let initiatorName = text["InitiatorName"], !initiatorName.isEmpty else {
      throw .missingParameter
    }
    progress.initiatorName = initiatorName.lowercased()
    switch text["SessionType"] ?? "Normal" {
    case "Discovery":
      progress.isDiscovery = true
      progress.isAuthenticated = portal.discoveryCredentials == nil
      statSN = SerialNumber(rawValue: 1)
      guard request.tsih == 0 else { throw .sessionDoesNotExist }
    case "Normal":
      // Of the leading connection alone (RFC 7143, 13.21).
      guard request.tsih == 0 || text["SessionType"] == nil else { throw .initiatorError }
      guard let name = text["TargetName"] else { throw .missingParameter }
      guard let target = portal.target(named: name) else { throw .targetNotFound }
      if let refusal = target.loginRefusal {
        throw LoginFailure(
          refusal.statusClass, refusal.statusDetail,
          text: KeyValueText(refusal.address.map { [("TargetAddress", $0)] } ?? []))
      }
      progress.target = target
      progress.isAuthenticated = target.credentials == nil
      statSN = SerialNumber(rawValue: target.parameters.initialStatSN)
      if request.tsih != 0 { progress.joined = try session(request, progress, target) }
    default:
      throw .sessionTypeNotSupported
    }
    progress.negotiation = OperationalNegotiation(
      offer: progress.target?.parameters ?? TargetParameters(), isDiscovery: progress.isDiscovery,
      session: progress.joined?.parameters)
  }

  /// The session a TSIH names, for a further connection or in place of the one with the same CID.
  private func session(
    _ request: LoginRequest, _ progress: LoginProgress, _ target: SimulatedTarget
  ) throws(LoginFailure) -> SimulatedSession {
    for session in target.sessions { _ = session.expire(at: portal.now) }
    let session = target.sessions.first {
      $0.tsih == request.tsih && $0.isid == request.isid
        && $0.initiatorName == progress.initiatorName
    }
    guard let session else { throw .sessionDoesNotExist }
    let isReinstatement = session.connections.contains { $0.connectionID == request.connectionID }
    guard isReinstatement || session.connections.count < session.parameters.maxConnections else {
      throw .tooManyConnections
    }
    return session
  }

  /// Returns whether this stage may end.
  private func negotiateSecurity(
    _ text: KeyValueText, _ progress: inout LoginProgress, _ answers: inout KeyValueText
  ) throws(LoginFailure) -> Bool {
    if let methods = text["AuthMethod"]?.listElements {
      let credentials =
        progress.isDiscovery ? portal.discoveryCredentials : progress.target?.credentials
      if let credentials, !progress.isAuthenticated {
        guard methods.contains("CHAP") else { throw .authenticationFailure }
        progress.chap = CHAPAuthenticator(
          credentials, seed: portal.makeLoginSeed(), portal: portal.address)
        answers.append("AuthMethod", "CHAP")
        // CHAP_A comes in a request of its own; one sent along is answered in the next.
        guard text["CHAP_A"] != nil else { return false }
      } else {
        guard methods.contains("None") else { throw .authenticationFailure }
        answers.append("AuthMethod", "None")
        return true
      }
    }
    guard !progress.isAuthenticated else { return true }
    guard progress.chap != nil else {
      // Nothing offered yet: the initiator has to begin, unless it wants to leave.
      return false
    }
    guard text.pairs.contains(where: { $0.key.hasPrefix("CHAP_") }) else { return false }
    portal.log.record(security: text)
    switch progress.chap?.step(text) {
    case .answer(let keys):
      answers.pairs += keys.pairs
      return false
    case .authenticated(let keys):
      answers.pairs += keys.pairs
      progress.isAuthenticated = true
      progress.chap = nil
      return true
    case .refused, nil:
      throw .authenticationFailure
    }
  }

  private func negotiateOperations(
    _ text: KeyValueText, _ progress: inout LoginProgress, _ answers: inout KeyValueText
  ) throws(LoginFailure) -> Bool {
    guard progress.isAuthenticated else { throw .authenticationFailure }
    // AuthMethod belongs to the other stage (RFC 7143, 13.1).
    guard text["AuthMethod"] == nil else { throw .initiatorError }
    do {
      if let keys = try progress.negotiation?.answer(text) { answers.pairs += keys.pairs }
    } catch {
      throw .initiatorError
    }
    progress.negotiation?.declare(into: &answers)
    return true
  }

  private func transit(
    _ request: LoginRequest, to next: LoginStage, _ progress: inout LoginProgress,
    _ answers: KeyValueText
  ) throws(LoginFailure) {
    guard progress.isAuthenticated else { throw .authenticationFailure }
    let stage = progress.stage
    progress.stage = next
    guard next == .fullFeaturePhase else {
      return answer(request, progress, stage: stage, next: next, text: answers)
    }
    negotiated = progress.negotiation?.result ?? NegotiatedParameters()
    let session = begin(progress)
    answer(request, progress, stage: stage, next: next, text: answers, tsih: session.tsih)
    phase = .fullFeature(session)
    assembler.maximumDataSegmentLength = negotiated.maxRecvDataSegmentLength
    assembler.headerDigest = negotiated.headerDigest
    assembler.dataDigest = negotiated.dataDigest
  }

  /// Begins the session; one of the same initiator name, ISID and target is ended before
  /// (RFC 7143, 6.3.5). A further connection takes the place of the one with its CID, which is
  /// logged out by that (6.3.4).
  private func begin(_ progress: LoginProgress) -> SimulatedSession {
    if let session = progress.joined {
      if session.recoversConnections {
        _ = session.removeForRecovery(connectionID, at: portal.now)
      } else {
        session.connections.first { $0.connectionID == connectionID }?.leave(resetting: true)
      }
      session.connections.append(self)
      return session
    }
    let earlier = progress.target?.sessions.first {
      $0.initiatorName == progress.initiatorName && $0.isid == progress.isid
    }
    for connection in earlier?.connections ?? [] { connection.reset() }
    earlier?.end()
    let session = SimulatedSession(
      initiatorName: progress.initiatorName, isid: progress.isid,
      tsih: portal.makeTSIH(), target: progress.target, connection: self,
      parameters: negotiated, expCmdSN: progress.cmdSN,
      commandWindow: progress.target?.parameters.commandWindow ?? 32)
    progress.target?.begin(session)
    return session
  }

  private func answer(
    _ request: LoginRequest, _ progress: LoginProgress, stage: LoginStage, next: LoginStage?,
    text: KeyValueText, tsih: UInt16? = nil, failure: LoginFailure? = nil
  ) {
    let window = UInt32(progress.target?.parameters.commandWindow ?? 32)
    let expected = progress.joined?.expCmdSN ?? request.header.cmdSN
    let maximum = progress.joined?.maxCmdSN() ?? expected.advanced(by: window &- 1)
    let header = LoginResponse(
      current: stage, next: next, isid: request.isid, tsih: tsih ?? request.tsih,
      initiatorTaskTag: request.header.initiatorTaskTag, statSN: takeStatSN(),
      expCmdSN: expected, maxCmdSN: maximum,
      statusClass: failure?.statusClass ?? 0, statusDetail: failure?.statusDetail ?? 0
    ).header
    send(header, data: text.encoded)
  }
}
