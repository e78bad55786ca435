package import ISCSI
package import LinuxIO
import SystemPackage

/// Asks portals for their targets over TCP: the effects around `DiscoveryMachine`.
///
/// It needs no mount: `iscsifs discover` uses it alone.
package struct DiscoveryDriver: Sendable {
  private let pool: BlockingPool
  private let memory: AuthenticationMemory

  package init(pool: BlockingPool, memory: AuthenticationMemory = AuthenticationMemory()) {
    self.pool = pool
    self.memory = memory
  }

  /// The targets `portal` tells of.
  ///
  /// When the time is up after a part of the list, the part is what there is.
  package func discover(
    at portal: Portal, settings: InitiatorSettings
  ) async throws(ControlError) -> DiscoveryOutcome {
    let memory = memory
    do {
      return try await LoginDriver(pool: pool).blocking { (cancellation) throws(LoginFailure) in
        let attempt = DiscoveryAttempt(
          portal: portal, settings: settings, memory: memory, cancellation: cancellation)
        return try attempt.run()
      }
    } catch {
      throw error.error
    }
  }
}
