package import ISCSI
package import LinuxIO
import SystemPackage

/// Asks portals for their targets over TCP: the effects around `DiscoveryMachine`.
///
/// It needs no mount: `iscsifs discover` uses it alone.
package struct DiscoveryDriver: Sendable {
  private let pool: BlockingPool

  package init(pool: BlockingPool) {
    self.pool = pool
  }

  /// The targets `portal` tells of.
  ///
  /// When the time is up after a part of the list, the part is what there is.
  package func discover(
    at portal: Portal, settings: InitiatorSettings
  ) async throws(ControlError) -> DiscoveryOutcome {
    do {
      return try await LoginDriver(pool: pool).blocking { (cancellation) throws(LoginFailure) in
        try Self.run(at: portal, settings: settings, cancellation: cancellation)
      }
    } catch {
      throw error.error
    }
  }

  private static func run(
    at portal: Portal, settings: InitiatorSettings, cancellation: CancellationSignal
  ) throws(LoginFailure) -> DiscoveryOutcome {
    let deadline = MonotonicTime.now.advanced(milliseconds: settings.loginTimeoutMilliseconds)
    var portal = portal
    for _ in 0...LoginDriver.redirectionLimit {
      var connection: PortalConnection
      do {
        connection = try PortalConnection(
          to: portal, deadline: deadline, cancellation: cancellation)
      } catch {
        throw LoginFailure(error.controlError(at: portal.address, portal: portal))
      }
      var parameters = LoginParameters(
        initiatorName: settings.initiatorName, session: .discovery,
        isid: ISID(random: settings.isidRandom, qualifier: 0),
        operational: settings.discoveryOperational)
      parameters.initiatorAlias = settings.initiatorAlias
      parameters.authentication = settings.discoveryAuthentication
      var machine = LoginMachine(parameters)
      switch try LoginAttempt.exchange(&machine, over: &connection, place: portal.address) {
      case .redirected(let portals, _):
        if let next = portals.first { portal = next }
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
    throw LoginFailure(
      ControlError(
        .protocolError, .login,
        "\(portal.address): more than \(LoginDriver.redirectionLimit) redirections"))
  }

  /// Drives the machine until it has the list and is logged out.
  private static func list(
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
  private static func kept(of machine: DiscoveryMachine, isEndless: Bool) -> DiscoveryOutcome? {
    var outcome = DiscoveryOutcome(targets: machine.targets, problems: machine.problems)
    if machine.hasList { return outcome }
    guard isEndless, !outcome.targets.isEmpty else { return nil }
    outcome.problems[.endless] = 1
    return outcome
  }
}
