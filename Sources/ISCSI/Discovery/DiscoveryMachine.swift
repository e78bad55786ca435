import Wire

/// Asks a target for its list over a session in full feature phase, then logs out.
///
/// The caller keeps the time: when it is up, `finish` ends the list where it is. Whatever ends
/// the session, `targets` has what was valid until then.
/// Source: RFC 7143, 4.3, 11.10, 11.11 and appendix C.
package struct DiscoveryMachine: Sendable {
  /// The most requests for more text one list takes.
  package static let maximumExchangeCount = 65_536
  /// The most answers in a row that bring no text.
  package static let maximumEmptyExchangeCount = 32

  private enum State {
    case idle
    case listing
    case loggingOut
    case ended
  }

  private let login: LoginResult
  private let connectionID: UInt16
  private let initiatorTaskTag: InitiatorTaskTag
  private var logoutTaskTag: InitiatorTaskTag {
    InitiatorTaskTag(rawValue: initiatorTaskTag.rawValue &+ 1)
  }
  private var state = State.idle
  /// The list has come to its end, or to ours: only the logout may be missing.
  package private(set) var hasList = false
  private var expStatSN: SerialNumber
  private var records: TargetRecords
  private var exchangeCount = 0
  private var emptyExchangeCount = 0

  /// - Parameters:
  ///   - portal: where the session is connected to: that of every target told without an address.
  ///   - initiatorTaskTag: the first of two tags used.
  package init(
    login: LoginResult, portal: Portal, connectionID: UInt16 = 0,
    initiatorTaskTag: InitiatorTaskTag = InitiatorTaskTag(rawValue: 1)
  ) {
    precondition(initiatorTaskTag.rawValue < 0xFFFF_FFFE, "two tags, neither of them reserved")
    self.login = login
    self.connectionID = connectionID
    self.initiatorTaskTag = initiatorTaskTag
    expStatSN = login.expStatSN
    records = TargetRecords(portalInUse: portal)
  }

  /// The targets so far.
  package var targets: [DiscoveredTarget] { records.targets }

  /// How often something was left out of `targets`, by reason.
  package var problems: [DiscoveryProblem: Int] { records.problems }

  /// The request for all targets; call once.
  package mutating func start() -> ProtocolDataUnit {
    guard case .idle = state else { preconditionFailure("a discovery starts once") }
    state = .listing
    exchangeCount = 1
    let text = TextParameter.encode([TextParameter("SendTargets", "All")])
    return request(text, lun: 0, targetTransferTag: .reserved)
  }

  /// Enough: ends the list here and logs out.
  package mutating func finish() -> DiscoveryAction {
    switch state {
    case .idle, .listing: .send(logout())
    case .loggingOut: .wait
    case .ended: .completed(targets)
    }
  }

  /// Takes one PDU from the target.
  package mutating func received(_ unit: ProtocolDataUnit) throws(DiscoveryError) -> DiscoveryAction
  {
    guard state == .listing || state == .loggingOut else { throw .alreadyEnded }
    do {
      return try take(unit)
    } catch {
      state = .ended
      throw error
    }
  }

  // MARK: - Events

  private mutating func take(
    _ unit: ProtocolDataUnit
  ) throws(DiscoveryError) -> DiscoveryAction {
    guard unit.additionalHeader.isEmpty else {
      throw .additionalHeader(byteCount: unit.additionalHeader.count)
    }
    guard unit.data.count <= Int(login.negotiated.maxRecvDataSegmentLength) else {
      throw .dataSegmentTooLong(byteCount: unit.data.count)
    }
    switch unit.header.opcode {
    case .textResponse: return try takeText(unit)
    case .logoutResponse: return try takeLogout(unit)
    case .nopIn: return takePing(NOPIn(unit.header))
    case .asyncMessage:
      // Whatever is announced, the list or its end comes first, or the connection goes.
      expStatSN = unit.header.statSN.successor
      return .wait
    case .reject: throw .rejected(Reject(unit.header).rawReason)
    default: throw .unexpectedPDU(unit.header.opcode)
    }
  }

  private mutating func takeText(
    _ unit: ProtocolDataUnit
  ) throws(DiscoveryError) -> DiscoveryAction {
    let response = TextResponse(unit.header)
    let header = unit.header
    guard header.initiatorTaskTag == initiatorTaskTag else {
      throw .initiatorTaskTag(header.initiatorTaskTag)
    }
    guard header.statSN == expStatSN else { throw .statSN(header.statSN, expected: expStatSN) }
    expStatSN = expStatSN.successor
    // The rest of a list that was cut short.
    guard state == .listing else { return .wait }
    guard !(header.isFinal && response.continues) else { throw .continuation }
    records.append(unit.data)
    if header.isFinal || records.isFull {
      records.finish()
      return .send(logout())
    }
    guard header.targetTransferTag != .reserved else { throw .continuation }
    emptyExchangeCount = unit.data.isEmpty ? emptyExchangeCount + 1 : 0
    guard emptyExchangeCount < Self.maximumEmptyExchangeCount else {
      throw .tooManyExchanges(limit: Self.maximumEmptyExchangeCount)
    }
    guard exchangeCount < Self.maximumExchangeCount else {
      throw .tooManyExchanges(limit: Self.maximumExchangeCount)
    }
    exchangeCount += 1
    return .send(
      request([], lun: header.word1, targetTransferTag: header.targetTransferTag))
  }

  private mutating func takeLogout(
    _ unit: ProtocolDataUnit
  ) throws(DiscoveryError) -> DiscoveryAction {
    guard state == .loggingOut else { throw .unexpectedPDU(.logoutResponse) }
    guard unit.header.initiatorTaskTag == logoutTaskTag else {
      throw .initiatorTaskTag(unit.header.initiatorTaskTag)
    }
    // Whatever the response, the list is whole and the connection is closed next.
    state = .ended
    return .completed(targets)
  }

  /// A ping of the target's wants its tag back; one without a tag only tells numbers.
  private func takePing(_ ping: NOPIn) -> DiscoveryAction {
    guard ping.header.targetTransferTag != .reserved else { return .wait }
    let pong = NOPOut(
      logicalUnit: ping.logicalUnit, initiatorTaskTag: .reserved,
      targetTransferTag: ping.header.targetTransferTag, cmdSN: login.cmdSN, expStatSN: expStatSN)
    return .send(ProtocolDataUnit(header: pong.header))
  }

  // MARK: - Requests

  /// All requests are immediate: they need no room in the target's command window.
  private func request(
    _ data: [UInt8], lun: UInt64, targetTransferTag: TargetTransferTag
  ) -> ProtocolDataUnit {
    let request = TextRequest(
      isFinal: true, isImmediate: true, lun: lun, initiatorTaskTag: initiatorTaskTag,
      targetTransferTag: targetTransferTag, cmdSN: login.cmdSN, expStatSN: expStatSN)
    return ProtocolDataUnit(header: request.header, data: data)
  }

  private mutating func logout() -> ProtocolDataUnit {
    state = .loggingOut
    hasList = true
    let request = LogoutRequest(
      reason: .closeSession, initiatorTaskTag: logoutTaskTag, connectionID: connectionID,
      cmdSN: login.cmdSN, expStatSN: expStatSN)
    return ProtocolDataUnit(header: request.header)
  }
}
