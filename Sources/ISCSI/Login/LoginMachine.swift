import Wire

/// Logs one connection in: security stage, operational stage, full feature phase.
///
/// The caller sends what `start` and `received` tell it to, hands every PDU that arrives back, and
/// keeps the time: a login that is not done in its timeout is abandoned with the connection. After
/// a thrown error the machine takes nothing more.
/// Source: RFC 7143, 6.3, 11.12 and 11.13.
package struct LoginMachine: Sendable {
  /// The most requests one login makes.
  package static let maximumExchangeCount = 32
  /// The most a PDU may carry before a length was negotiated, in bytes (13.12).
  package static let maximumDataSegmentLength = 8_192

  private enum State {
    case idle
    /// A request is out; `asked` is the stage its T bit asked for.
    case waiting(asked: LoginStage?)
    case ended
  }

  /// What was said so far, for `login_log`.
  package private(set) var transcript = LoginTranscript()

  private let parameters: LoginParameters
  private var state = State.idle
  private var stage: LoginStage
  private var security: SecurityNegotiation
  private var operational: OperationalNegotiation
  private var exchangeCount = 0
  private var expStatSN = SerialNumber(rawValue: 0)
  /// The handle the target has named, zero until it does.
  private var tsih: UInt16
  /// The target's text, until it is whole.
  private var text = TextAccumulator()
  /// What is left of a text of ours that one PDU cannot carry.
  private var unsent: ArraySlice<UInt8> = []
  /// The stage to ask for with the last piece of `unsent`.
  private var unsentTransition: LoginStage?
  private var declared = DeclaredKeys()

  package init(_ parameters: LoginParameters) {
    self.parameters = parameters
    let skipsSecurity = parameters.startsOperational && parameters.authentication == .none
    stage = skipsSecurity ? .operationalNegotiation : .securityNegotiation
    security = SecurityNegotiation(
      policy: parameters.authentication, challenge: parameters.challenge)
    operational = OperationalNegotiation(
      offering: parameters.operational, scope: parameters.session.scope)
    tsih = parameters.session.tsih
  }

  /// The target's CHAP challenge, once we have answered it.
  package var targetChallenge: [UInt8]? { security.exchange?.targetChallenge }

  /// The CHAP algorithm the target chose, once we have answered with it.
  package var chosenAlgorithm: CHAPAlgorithm? { security.exchange?.algorithm }
  /// Whether the two sides are still proving who they are.
  package var isAuthenticating: Bool { stage == .securityNegotiation }

  /// Notes a remark of the caller's in the transcript.
  package mutating func note(remark: String) { transcript.note(remark: remark) }

  /// The first request; call once.
  package mutating func start() -> ProtocolDataUnit {
    guard case .idle = state else { preconditionFailure("a login starts once") }
    var text = [TextParameter("InitiatorName", parameters.initiatorName)]
    if let alias = parameters.initiatorAlias { text.append(TextParameter("InitiatorAlias", alias)) }
    if let name = parameters.session.targetName { text.append(TextParameter("TargetName", name)) }
    // Of the leading connection alone (13.21).
    switch parameters.session {
    case .discovery: text.append(TextParameter("SessionType", "Discovery"))
    case .normal: text.append(TextParameter("SessionType", "Normal"))
    case .connection: break
    }
    text += stage == .securityNegotiation ? security.start() : operational.offers()
    return send(text)
  }

  /// Takes one PDU from the target.
  package mutating func received(_ unit: ProtocolDataUnit) throws(LoginError) -> LoginAction {
    guard case .waiting(let asked) = state else { throw .alreadyEnded }
    state = .ended
    return try take(unit, asked: asked)
  }

  // MARK: - A response

  private mutating func take(
    _ unit: ProtocolDataUnit, asked: LoginStage?
  ) throws(LoginError) -> LoginAction {
    let response = try Self.checkedResponse(unit, to: parameters)
    transcript.note(.received, unit.header)
    let status = LoginStatus(statusClass: response.statusClass, detail: response.statusDetail)
    guard status.isSuccess else { return try unsuccessful(status, unit.data) }
    try checkNumbers(of: response)
    try checkTransition(of: response, asked: asked)
    let isFinal = response.transits && response.next == .fullFeaturePhase
    guard isFinal || exchangeCount < Self.maximumExchangeCount else {
      throw .tooManyExchanges(limit: Self.maximumExchangeCount)
    }
    guard unsent.isEmpty else {
      // The target owes empty responses until our text is whole.
      guard unit.data.allSatisfy({ $0 == 0 }), !response.continues else { throw .continuation }
      return .send(sendPiece())
    }
    do { try text.append(unit.data) } catch { throw .text(error) }
    if response.continues { return .send(request([], continues: false, asking: nil)) }

    let answers = try takeText(isFinal: isFinal)
    guard response.transits, let next = response.next else { return .send(send(answers)) }
    guard stage == .operationalNegotiation || security.isComplete else {
      throw .authentication(security.mayLeave ? .unproven : .skipped)
    }
    stage = next
    if next == .fullFeaturePhase {
      let result = try result(of: response)
      noteMissingPortalGroup()
      return .completed(result)
    }
    return .send(send(operational.offers() + answers))
  }

  /// Every key of the target's now whole text; returns what we say to them.
  private mutating func takeText(isFinal: Bool) throws(LoginError) -> [TextParameter] {
    let received: [TextParameter]
    do { received = try text.take() } catch { throw .text(error) }
    transcript.note(.received, received)
    var securityKeys: [TextParameter] = []
    var answers: [TextParameter] = []
    for parameter in received {
      if SecurityNegotiation.owns(parameter.key) {
        securityKeys.append(parameter)
      } else if let key = OperationalKey(rawValue: parameter.key) {
        if let answer = try operational.received(key, parameter) { answers.append(answer) }
      } else if let answer = try declared.received(parameter, expecting: parameters) {
        answers.append(answer)
      }
    }
    do {
      let reply = try security.received(securityKeys)
      return isFinal ? [] : reply + answers
    } catch {
      throw .authentication(error)
    }
  }

  private mutating func unsuccessful(
    _ status: LoginStatus, _ data: [UInt8]
  ) throws(LoginError) -> LoginAction {
    guard status.isRedirection else { throw .refused(status) }
    let received: [TextParameter]
    do { received = try TextParameter.parameters(parsing: data) } catch { throw .text(error) }
    transcript.note(.received, received)
    let portals = received.filter { $0.key == "TargetAddress" }
      .compactMap { try? Portal(parsing: $0.value) }
    guard !portals.isEmpty else { throw .redirectedNowhere }
    return .redirected(portals: portals, isTemporary: status.detail == 0x01)
  }

  /// A target must say which portal group it is in when it first answers for a target (13.9); one
  /// that does not is taken for the group that was asked.
  private mutating func noteMissingPortalGroup() {
    guard case .normal = parameters.session, declared.targetPortalGroupTag == nil else { return }
    transcript.note(remark: "the target did not say its TargetPortalGroupTag")
  }

  private func result(of response: LoginResponse) throws(LoginError) -> LoginResult {
    let mayLackHandle = parameters.acceptsZeroTSIH || parameters.session == .discovery
    guard response.tsih != 0 || mayLackHandle else { throw .tsih(0) }
    return LoginResult(
      negotiated: try operational.result(), tsih: response.tsih,
      targetPortalGroupTag: declared.targetPortalGroupTag, targetAlias: declared.targetAlias,
      cmdSN: parameters.cmdSN, expStatSN: expStatSN, expCmdSN: response.header.expCmdSN,
      maxCmdSN: response.header.maxCmdSN)
  }

  // MARK: - Checks

  /// The response, when it is one to this login and could be read safely.
  private static func checkedResponse(
    _ unit: ProtocolDataUnit, to parameters: LoginParameters
  ) throws(LoginError) -> LoginResponse {
    let header = unit.header
    guard header.opcode == .loginResponse else { throw .unexpectedPDU(header.opcode) }
    guard unit.additionalHeader.isEmpty else {
      throw .additionalHeader(byteCount: unit.additionalHeader.count)
    }
    guard unit.data.count <= maximumDataSegmentLength else {
      throw .dataSegmentTooLong(byteCount: unit.data.count)
    }
    guard header.initiatorTaskTag == parameters.initiatorTaskTag else {
      throw .initiatorTaskTag(header.initiatorTaskTag)
    }
    return LoginResponse(header)
  }

  /// Version, ISID, TSIH and StatSN; only a response that does not refuse has them all.
  private mutating func checkNumbers(of response: LoginResponse) throws(LoginError) {
    guard response.versionMaximum == 0, response.versionActive == 0 else {
      throw .version(maximum: response.versionMaximum, active: response.versionActive)
    }
    guard response.isid == parameters.isid else { throw .isid(response.isid) }
    // A new session's handle comes with the last response, or earlier if it then stays.
    if response.tsih != tsih {
      guard tsih == 0 else { throw .tsih(response.tsih) }
      tsih = response.tsih
    }
    // The first StatSN is the target's to choose; some leave it there while logging in.
    let statSN = response.header.statSN
    let isExpected = statSN == expStatSN || statSN.successor == expStatSN
    guard exchangeCount == 1 || isExpected else { throw .statSN(statSN, expected: expStatSN) }
    expStatSN = statSN.successor
  }

  /// The stage bits. NSG counts only where T is set: targets leave anything in it.
  private func checkTransition(
    of response: LoginResponse, asked: LoginStage?
  ) throws(LoginError) {
    guard response.current == stage else {
      throw .currentStage(response.header.flags >> 2 & 0x03)
    }
    guard response.transits else { return }
    guard !response.continues else { throw .continuation }
    guard let asked else {
      guard stage == .operationalNegotiation || security.mayLeave else {
        throw .authentication(.skipped)
      }
      throw .transition(response.header.flags & 0x03)
    }
    guard let next = response.next, next.rawValue > stage.rawValue,
      next.rawValue <= asked.rawValue
    else { throw .transition(response.header.flags & 0x03) }
  }

  // MARK: - A request

  /// Begins a text of ours, asking for the next stage when this one has nothing left to say.
  private mutating func send(_ text: [TextParameter]) -> ProtocolDataUnit {
    unsent = TextParameter.encode(text)[...]
    switch stage {
    case .securityNegotiation:
      unsentTransition = security.mayLeave ? .operationalNegotiation : nil
    case .operationalNegotiation: unsentTransition = .fullFeaturePhase
    case .fullFeaturePhase: preconditionFailure("the login has ended")
    }
    let unit = sendPiece()
    transcript.note(.sent, text)
    return unit
  }

  /// The next piece of `unsent`; only the last may ask to move on (11.12.2).
  private mutating func sendPiece() -> ProtocolDataUnit {
    let piece = Array(unsent.prefix(Self.maximumDataSegmentLength))
    unsent = unsent.dropFirst(piece.count)
    return request(
      piece, continues: !unsent.isEmpty, asking: unsent.isEmpty ? unsentTransition : nil)
  }

  private mutating func request(
    _ data: [UInt8], continues: Bool, asking next: LoginStage?
  ) -> ProtocolDataUnit {
    state = .waiting(asked: next)
    exchangeCount += 1
    let request = LoginRequest(
      current: stage, next: next, continues: continues, isid: parameters.isid,
      tsih: parameters.session.tsih, initiatorTaskTag: parameters.initiatorTaskTag,
      connectionID: parameters.connectionID, cmdSN: parameters.cmdSN, expStatSN: expStatSN)
    transcript.note(.sent, request.header)
    return ProtocolDataUnit(header: request.header, data: data)
  }
}
