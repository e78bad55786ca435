import Glibc
import ISCSI
import LinuxIO
import Reactor
import Synchronization
import SystemPackage
import Wire

@testable import ControlPlane

/// Logs in without a network: answers from a list, then with success.
final class FakeConnector: SessionConnector {
  enum Answer: Sendable {
    case success
    /// Success, in this portal group.
    case group(UInt16)
    /// Success, with so many connections agreed on and this handle.
    case session(maxConnections: UInt32, tsih: UInt16)
    case failure(LoginFailure)
    /// Waits until its task is cancelled.
    case silence
  }

  private struct State: Sendable {
    var answers: [Answer] = []
    var orders: [LoginOrder] = []
    var found: [DiscoveredTarget] = []
    var time2Wait: UInt32 = 0
  }

  private let state = Mutex(State())

  func answer(_ answers: Answer...) { state.withLock { $0.answers += answers } }
  /// What is agreed on as DefaultTime2Wait from now on, in seconds.
  func wants(time2Wait seconds: UInt32) { state.withLock { $0.time2Wait = seconds } }
  func find(_ targets: [DiscoveredTarget]) { state.withLock { $0.found = targets } }
  var orders: [LoginOrder] { state.withLock { $0.orders } }

  func logIn(
    _ order: LoginOrder, settings: InitiatorSettings
  ) async throws(LoginFailure) -> LoggedInConnection {
    let answer = state.withLock { state in
      state.orders.append(order)
      return state.answers.isEmpty ? .success : state.answers.removeFirst()
    }
    switch answer {
    case .failure(let failure): throw failure
    case .silence:
      while !Task.isCancelled { await ManualClock.pause() }
      throw LoginFailure(ControlError(.canceled, .transport, "cancelled"))
    case .success:
      var parameters = order.joined?.parameters ?? NegotiatedParameters()
      parameters.defaultTime2Wait = state.withLock { $0.time2Wait }
      return Self.connection(order, parameters, tsih: order.joined?.tsih ?? 7)
    case .group(let tag):
      return Self.connection(order, NegotiatedParameters(), tsih: 7, group: tag)
    case .session(let maxConnections, let tsih):
      var parameters = NegotiatedParameters()
      parameters.defaultTime2Wait = state.withLock { $0.time2Wait }
      parameters.maxConnections = maxConnections
      return Self.connection(order, parameters, tsih: tsih)
    }
  }

  func discover(
    at portal: Portal, settings: InitiatorSettings
  ) async throws(ControlError) -> DiscoveryOutcome {
    DiscoveryOutcome(targets: state.withLock { $0.found })
  }

  private static func connection(
    _ order: LoginOrder, _ parameters: NegotiatedParameters, tsih: UInt16, group: UInt16 = 1
  ) -> LoggedInConnection {
    let number = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
    let handover = ConnectionHandover(
      socket: OwnedDescriptor(owning: number), connectionID: order.connectionID,
      parameters: parameters, cmdSN: SerialNumber(rawValue: 1),
      expStatSN: SerialNumber(rawValue: 1), expCmdSN: SerialNumber(rawValue: 1),
      maxCmdSN: SerialNumber(rawValue: 32), earlyBytes: [], timeouts: SessionTimeouts())
    var facts = LoginFacts(
      tsih: tsih, targetPortalGroupTag: group, parameters: parameters,
      connectionID: order.connectionID,
      ends: ConnectionEnds(
        address: "192.0.2.1", port: 3260, localAddress: "192.0.2.9", localPort: 50_000),
      portal: order.portal, movedTo: nil)
    facts.reached.note("192.0.2.1", for: order.portal)
    return LoggedInConnection(handover: handover, facts: facts)
  }
}
