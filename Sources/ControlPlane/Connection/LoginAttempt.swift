import ISCSI
import LinuxIO
import SystemPackage
import Wire

/// One login from the first connection to full feature phase: redirections are followed, and an
/// algorithm the target cannot compute is left out.
///
/// Runs on a thread that may block.
struct LoginAttempt {
  let order: LoginOrder
  let settings: InitiatorSettings
  let memory: AuthenticationMemory
  let lookUp: HostLookup
  let cancellation: CancellationSignal
  /// Where the portals on the way were reached.
  private var reached = KnownAddresses()
  /// What has been tried.
  private(set) var records: [LoginRecord] = []
  private let deadline: MonotonicTime

  /// The time starts now.
  init(
    _ order: LoginOrder, settings: InitiatorSettings, memory: AuthenticationMemory,
    lookUp: @escaping HostLookup, cancellation: CancellationSignal
  ) {
    self.order = order
    self.settings = settings
    self.memory = memory
    self.lookUp = lookUp
    self.cancellation = cancellation
    deadline = .now.advanced(milliseconds: settings.loginTimeoutMilliseconds)
  }

  mutating func run() throws(LoginFailure) -> LoggedInConnection {
    let algorithms = settings.sessionAuthentication.chap?.algorithms ?? []
    do throws(LoginFailure) {
      return try memory.fallingBack(at: peer, algorithms) { () throws(LoginFailure) in
        try once()
      }
    } catch {
      var failure = error
      failure.records = records
      throw failure
    }
  }

  /// Whose failures are kept in mind.
  private var peer: String { order.targetName }

  /// One try, from the portal of the order.
  private mutating func once() throws(LoginFailure) -> LoggedInConnection {
    var trail = RedirectionTrail(startingAt: order.portal)
    while true {
      let portal = trail.portal
      var transcript = LoginTranscript()
      do throws(LoginFailure) {
        var connection = try connect(trail)
        if let ends = try? connection.ends() { reached.note(ends.address, for: portal) }
        var machine = LoginMachine(parameters)
        let exchange = LoginExchange(memory: memory, place: place(portal))
        defer { transcript = machine.transcript }
        switch try exchange.run(&machine, over: &connection) {
        case .completed(let result):
          note("logged in", at: portal, machine.transcript)
          return try finish(connection, result, movedTo: trail.movedTo)
        case .redirected(let portals, let isTemporary):
          let scope = connection.scope
          note(
            isTemporary ? "moved temporarily" : "moved permanently", at: portal,
            machine.transcript)
          try trail.follow(
            portals, isTemporary: isTemporary, from: scope, place: place(portal))
        }
      } catch {
        // The sentence begins with the place, which the record names itself.
        let sentence = error.error.sentence
        let prefix = place(portal) + ": "
        let outcome = sentence.hasPrefix(prefix) ? sentence.dropFirst(prefix.count) : sentence[...]
        note(String(outcome), at: portal, transcript)
        throw error
      }
    }
  }

  private mutating func note(_ outcome: String, at portal: Portal, _ transcript: LoginTranscript) {
    records.append(LoginRecord(at: portal, outcome: outcome, transcript: transcript))
  }

  private var parameters: LoginParameters {
    var parameters = LoginParameters(
      initiatorName: settings.initiatorName, session: .normal(targetName: order.targetName),
      isid: order.isid, operational: settings.operational)
    if let joined = order.joined {
      parameters.session = .connection(
        targetName: order.targetName, tsih: joined.tsih, session: joined.parameters)
      parameters.cmdSN = SerialNumber(rawValue: joined.cmdSN)
    }
    parameters.initiatorAlias = settings.initiatorAlias
    parameters.connectionID = order.connectionID
    parameters.authentication = settings.sessionAuthentication
    parameters.expectedTargetPortalGroupTag = order.expectedTargetPortalGroupTag
    LoginExchange.prepare(&parameters, for: peer, with: memory)
    return parameters
  }

  private func place(_ portal: Portal) -> String {
    "\(portal.address), target \(order.targetName.excerpt)"
  }

  private func connect(_ trail: RedirectionTrail) throws(LoginFailure) -> PortalConnection {
    let portal = trail.portal
    do {
      return try PortalConnection(
        to: portal, sentFrom: trail.sentFrom, knownAddresses: order.knownAddresses,
        with: settings.socketOptions, deadline: deadline, cancellation: cancellation,
        lookUp: lookUp)
    } catch {
      throw LoginFailure(error.controlError(at: place(portal), portal: portal))
    }
  }

  private func finish(
    _ connection: consuming PortalConnection, _ login: LoginResult, movedTo: Portal?
  ) throws(LoginFailure) -> LoggedInConnection {
    var result = login
    if settings.transmitLimit > 0 {
      result.negotiated.maxXmitDataSegmentLength = min(
        result.negotiated.maxXmitDataSegmentLength, settings.transmitLimit)
    }
    let ends: ConnectionEnds
    do {
      ends = try connection.ends()
    } catch {
      throw LoginFailure(error.controlError(at: place(order.portal), portal: order.portal))
    }
    let facts = LoginFacts(
      tsih: result.tsih, targetPortalGroupTag: result.targetPortalGroupTag,
      parameters: result.negotiated, connectionID: order.connectionID, ends: ends,
      portal: order.portal, movedTo: movedTo, reached: reached, records: records)
    return LoggedInConnection(
      handover: connection.handover(
        result, connectionID: order.connectionID, timeouts: settings.sessionTimeouts),
      facts: facts)
  }
}
