package import Wire

/// What a finished login hands to the full feature phase.
package struct LoginResult: Equatable, Sendable {
  package var negotiated: NegotiatedParameters
  /// The session's handle; zero only where a target may leave it out.
  package var tsih: UInt16
  /// Nil when the target did not say, which RFC 7143, 13.9 does not allow but targets do.
  package var targetPortalGroupTag: UInt16?
  package var targetAlias: String?
  /// The number of the first command that is not immediate.
  package var cmdSN: SerialNumber
  /// What the next request acknowledges.
  package var expStatSN: SerialNumber
  package var expCmdSN: SerialNumber
  package var maxCmdSN: SerialNumber
}
