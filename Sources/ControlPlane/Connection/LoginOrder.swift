import ISCSI

/// One connection to be logged in: to which target, where, and under which session name.
struct LoginOrder: Equatable, Sendable {
  var targetName: String
  var portal: Portal
  /// Kept for the life of the session: the same again reinstates it.
  var isid: ISID
  /// The portal group a reinstated session must stay in: elsewhere it would be another nexus.
  var expectedTargetPortalGroupTag: UInt16?
  var connectionID: UInt16 = 1
  /// The session that gets a further connection; nil for a session of its own.
  var joined: JoinedSession?

  /// What a further connection's login says of its session.
  struct JoinedSession: Equatable, Sendable {
    var tsih: UInt16
    var parameters: NegotiatedParameters
    /// The number of the session's next command (RFC 7143, 11.12.7).
    var cmdSN: UInt32
  }
  /// Set in a recovery: where portals given by name were reached before.
  var knownAddresses: KnownAddresses?

  init(
    targetName: String, portal: Portal, isid: ISID, expectedTargetPortalGroupTag: UInt16? = nil
  ) {
    self.targetName = targetName
    self.portal = portal
    self.isid = isid
    self.expectedTargetPortalGroupTag = expectedTargetPortalGroupTag
  }
}
