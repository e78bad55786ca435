import ISCSI
package import LinuxIO
import SystemPackage

/// Logs connections in over TCP: the effects around `LoginMachine`.
///
/// A login occupies one thread of the pool for at most the login timeout, redirections included.
package struct LoginDriver: Sendable {
  let pool: BlockingPool
  let memory = AuthenticationMemory()
  private let lookUp: HostLookup

  package init(pool: BlockingPool) {
    self.init(pool: pool, lookUp: PortalConnection.lookUp)
  }

  init(pool: BlockingPool, lookUp: @escaping HostLookup) {
    self.pool = pool
    self.lookUp = lookUp
  }

  /// Runs `body` on the pool with a signal that cancelling the task gives.
  func blocking<Value: Sendable>(
    _ body: @escaping @Sendable (CancellationSignal) throws(LoginFailure) -> Value
  ) async throws(LoginFailure) -> Value {
    let cancellation: CancellationSignal
    do {
      cancellation = try CancellationSignal()
    } catch {
      throw LoginFailure(ControlError(error, .noMemory, "no descriptor is left for a login"))
    }
    let busy = LoginFailure(
      ControlError(.resourceTemporarilyUnavailable, .busy, "too many logins are waiting"))
    let result = await withTaskCancellationHandler {
      do throws(LoginFailure) {
        let value = try await pool.run(refusal: busy) { () throws(LoginFailure) in
          try body(cancellation)
        }
        return Result<Value, LoginFailure>.success(value)
      } catch {
        return Result<Value, LoginFailure>.failure(error)
      }
    } onCancel: {
      cancellation.cancel()
    }
    return try result.get()
  }
}

extension LoginDriver: SessionConnector {
  func logIn(
    _ order: LoginOrder, settings: InitiatorSettings
  ) async throws(LoginFailure) -> LoggedInConnection {
    let handoff = Handoff<LoggedInConnection>()
    let (memory, lookUp) = (memory, lookUp)
    try await blocking { (cancellation) throws(LoginFailure) in
      var attempt = LoginAttempt(
        order, settings: settings, memory: memory, lookUp: lookUp, cancellation: cancellation)
      handoff.put(try attempt.run())
    }
    guard let connection = handoff.take() else {
      preconditionFailure("a login that did not fail left its connection")
    }
    return connection
  }

  func discover(
    at portal: Portal, settings: InitiatorSettings
  ) async throws(ControlError) -> DiscoveryOutcome {
    try await DiscoveryDriver(pool: pool, memory: memory).discover(at: portal, settings: settings)
  }
}
