import ISCSI
import LinuxIO
import SystemPackage

/// One login from the first connection to full feature phase, following redirections.
///
/// Runs on a thread that may block.
struct LoginAttempt {
  let order: LoginOrder
  let settings: InitiatorSettings
  let cancellation: CancellationSignal
  private let deadline: MonotonicTime

  /// The time starts now.
  init(_ order: LoginOrder, settings: InitiatorSettings, cancellation: CancellationSignal) {
    self.order = order
    self.settings = settings
    self.cancellation = cancellation
    deadline = .now.advanced(milliseconds: settings.loginTimeoutMilliseconds)
  }

  func run() throws(LoginFailure) -> LoggedInConnection {
    var portal = order.portal
    // A temporary redirection is forgotten with this login; what follows one is temporary too.
    var movedTo: Portal?
    var isTemporary = false
    for _ in 0...LoginDriver.redirectionLimit {
      var connection = try connect(to: portal)
      var machine = LoginMachine(parameters)
      switch try Self.exchange(&machine, over: &connection, place: place(portal)) {
      case .completed(let result):
        return try finish(
          connection, result, movedTo: movedTo, transcript: machine.transcript)
      case .redirected(let portals, let temporarily):
        guard let next = portals.first else { continue }
        portal = next
        isTemporary = isTemporary || temporarily
        if !isTemporary { movedTo = next }
      }
    }
    throw LoginFailure(
      ControlError(
        .protocolError, .login,
        "\(place(portal)): more than \(LoginDriver.redirectionLimit) redirections"))
  }

  /// How the exchange of login PDUs ended, when it did not fail.
  enum Outcome {
    case completed(LoginResult)
    case redirected([Portal], isTemporary: Bool)
  }

  /// Drives `machine` until it ends.
  static func exchange(
    _ machine: inout LoginMachine, over connection: inout PortalConnection, place: String
  ) throws(LoginFailure) -> Outcome {
    var request = machine.start()
    while true {
      let response: ProtocolDataUnit
      do {
        try connection.send(request)
        response = try connection.receive()
      } catch {
        var failure = LoginFailure(error.controlError(at: place, portal: connection.portal))
        failure.transcript = machine.transcript
        throw failure
      }
      do {
        switch try machine.received(response) {
        case .send(let next): request = next
        case .completed(let result): return .completed(result)
        case .redirected(let portals, let isTemporary):
          return .redirected(portals, isTemporary: isTemporary)
        }
      } catch {
        throw LoginFailure(error, at: place, transcript: machine.transcript)
      }
    }
  }

  private var parameters: LoginParameters {
    var parameters = LoginParameters(
      initiatorName: settings.initiatorName, session: .normal(targetName: order.targetName),
      isid: order.isid, operational: settings.operational)
    parameters.initiatorAlias = settings.initiatorAlias
    parameters.connectionID = order.connectionID
    parameters.authentication = settings.sessionAuthentication
    parameters.expectedTargetPortalGroupTag = order.expectedTargetPortalGroupTag
    return parameters
  }

  private func place(_ portal: Portal) -> String {
    "\(portal.address), target \(order.targetName.excerpt)"
  }

  private func connect(to portal: Portal) throws(LoginFailure) -> PortalConnection {
    do {
      return try PortalConnection(to: portal, deadline: deadline, cancellation: cancellation)
    } catch {
      throw LoginFailure(error.controlError(at: place(portal), portal: portal))
    }
  }

  private func finish(
    _ connection: consuming PortalConnection, _ login: LoginResult, movedTo: Portal?,
    transcript: LoginTranscript
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
      portal: order.portal, movedTo: movedTo, transcript: transcript)
    return LoggedInConnection(
      handover: connection.handover(
        result, connectionID: order.connectionID, timeouts: settings.sessionTimeouts),
      facts: facts)
  }
}
