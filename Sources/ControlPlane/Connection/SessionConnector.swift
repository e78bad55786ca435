import ISCSI

/// Makes connections: the one way out of the control plane to the network.
///
/// Both calls are bounded by the login timeout, and end early when their task is cancelled.
protocol SessionConnector: Sendable {
  /// Connects and logs in.
  func logIn(
    _ order: LoginOrder, settings: InitiatorSettings
  ) async throws(LoginFailure) -> LoggedInConnection

  /// The targets a portal tells of.
  func discover(
    at portal: Portal, settings: InitiatorSettings
  ) async throws(ControlError) -> DiscoveryOutcome
}
