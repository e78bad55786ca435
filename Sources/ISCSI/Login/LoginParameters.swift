package import Wire

/// All a login needs to know before it starts.
package struct LoginParameters: Equatable, Sendable {
  package var initiatorName: String
  package var initiatorAlias: String?
  package var session: LoginSession
  package var isid: ISID
  package var connectionID: UInt16 = 0
  package var initiatorTaskTag = InitiatorTaskTag(rawValue: 0)
  /// The number the first command will have: a login uses none up.
  package var cmdSN = SerialNumber(rawValue: 1)
  package var authentication = AuthenticationPolicy.none
  /// Ours to the target, for this login alone; needed where the target must prove who it is.
  package var challenge: CHAPChallenge?
  package var operational: OperationalParameters
  /// The portal group this connection must reach, when one is known.
  package var expectedTargetPortalGroupTag: UInt16?
  /// Skip the security stage: one pair of PDUs logs in where nobody authenticates.
  package var startsOperational = false
  /// Take a session without a handle, which then cannot have a second connection.
  package var acceptsZeroTSIH = false

  package init(
    initiatorName: String, session: LoginSession, isid: ISID,
    operational: OperationalParameters? = nil
  ) {
    self.initiatorName = initiatorName
    self.session = session
    self.isid = isid
    self.operational = operational ?? (session == .discovery ? .discovery : .init())
  }
}
