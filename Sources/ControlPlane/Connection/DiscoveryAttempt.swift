import ISCSI
import LinuxIO
import SystemPackage

/// One discovery: the login, its redirections, the list, the logout.
///
/// Runs on a thread that may block.
struct DiscoveryAttempt {
  let portal: Portal
  let settings: InitiatorSettings
  let memory: AuthenticationMemory
  let cancellation: CancellationSignal

  func run() throws(LoginFailure) -> DiscoveryOutcome {
    let deadline = MonotonicTime.now.advanced(
      milliseconds: settings.discoveryLoginTimeoutMilliseconds)
    let algorithms = settings.discoveryAuthentication.chap?.algorithms ?? []
    return try memory.fallingBack(at: peer, algorithms) { () throws(LoginFailure) in
      try once(deadline)
    }
  }

  /// Whose failures are kept in mind; no target is called so.
  private var peer: String { "discovery at \(portal.address)" }

  private func once(_ deadline: MonotonicTime) throws(LoginFailure) -> DiscoveryOutcome {
    var trail = RedirectionTrail(startingAt: portal)
    while true {
      let portal = trail.portal
      var connection: PortalConnection
      do {
        connection = try PortalConnection(
          to: portal, sentFrom: trail.sentFrom, with: settings.socketOptions, deadline: deadline,
          cancellation: cancellation)
      } catch {
        throw LoginFailure(error.controlError(at: portal.address, portal: portal))
      }
      var machine = LoginMachine(parameters)
      let exchange = LoginExchange(memory: memory, place: portal.address)
      switch try exchange.run(&machine, over: &connection) {
      case .redirected(let portals, let isTemporary):
        try trail.follow(
          portals, isTemporary: isTemporary, from: connection.scope, place: portal.address)
      case .completed(let result):
        connection.enterFullFeaturePhase(
          result.negotiated,
          deadline: .now.advanced(milliseconds: settings.discoveryTimeoutMilliseconds))
        var portalInUse = portal
        portalInUse.targetPortalGroupTag = result.targetPortalGroupTag
        return try list(
          DiscoveryMachine(login: result, portal: portalInUse), over: &connection)
      }
    }
  }

  private var parameters: LoginParameters {
    var parameters = LoginParameters(
      initiatorName: settings.initiatorName, session: .discovery,
      isid: ISID(random: settings.isidRandom, qualifier: 0),
      operational: settings.discoveryOperational)
    parameters.initiatorAlias = settings.initiatorAlias
    parameters.authentication = settings.discoveryAuthentication
    LoginExchange.prepare(&parameters, for: peer, with: memory)
    return parameters
  }

  /// Drives the machine until it has the list and is logged out.
  private func list(
    _ discovery: DiscoveryMachine, over connection: inout PortalConnection
  ) throws(LoginFailure) -> DiscoveryOutcome {
    var machine = discovery
    let place = connection.portal.address
    do {
      try connection.send(machine.start())
      while true {
        switch try machine.received(try connection.receive()) {
        case .send(let request): try connection.send(request)
        case .wait: continue
        case .completed(let targets):
          return DiscoveryOutcome(targets: targets, problems: machine.problems)
        }
      }
    } catch let error as DiscoveryError {
      if let kept = kept(of: machine, isEndless: error.isEndless) { return kept }
      throw LoginFailure(
        ControlError(.protocolError, error.errorCode, "\(place): \(error.sentence)"))
    } catch let failure as PortalFailure {
      let isEndless = failure == .socket(.timedOut)
      if let kept = kept(of: machine, isEndless: isEndless) { return kept }
      throw LoginFailure(failure.controlError(at: place, portal: connection.portal))
    } catch {
      preconditionFailure("every failure has one of two types")
    }
  }

  /// What a discovery that broke off has to show: its list, where only the logout is missing, or
  /// what came until then of a list without end.
  private func kept(of machine: DiscoveryMachine, isEndless: Bool) -> DiscoveryOutcome? {
    var outcome = DiscoveryOutcome(targets: machine.targets, problems: machine.problems)
    if machine.hasList { return outcome }
    guard isEndless, !outcome.targets.isEmpty else { return nil }
    outcome.problems[.endless] = 1
    return outcome
  }
}
