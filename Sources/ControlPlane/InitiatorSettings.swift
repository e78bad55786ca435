package import ISCSI
package import LinuxIO
package import Reactor

/// How this initiator discovers, logs in and serves: a configuration made ready to use.
package struct InitiatorSettings: Equatable, Sendable {
  /// Who decides when a target is logged in to.
  package enum LoginPolicy: Equatable, Sendable {
    /// Every target found is.
    case automatic
    /// Only those a person names.
    case manual
  }

  /// Connections of a session, at most (node.session.iscsi.MaxConnections).
  package static let connectionLimit: UInt32 = 8

  package var initiatorName: String
  package var initiatorAlias: String?
  package var loginPolicy = LoginPolicy.automatic
  /// Sessions of each target (node.session.nr_sessions), spread over its portals.
  /// Nil: one for each reactor.
  package var sessionsPerTarget: Int?
  /// Mounted with `-o ro`: no LUN file opens for writing.
  package var isReadOnly = false

  package var operational = OperationalParameters()
  /// The most bytes of data in one PDU of ours, whatever the target takes; 0 leaves it to the
  /// target (node.conn[0].iscsi.MaxXmitDataSegmentLength).
  package var transmitLimit: UInt32 = 0
  package var discoveryOperational = OperationalParameters.discovery
  package var sessionAuthentication = AuthenticationPolicy.none
  package var discoveryAuthentication = AuthenticationPolicy.none

  /// From the connection's first packet to full feature phase, redirections included
  /// (node.conn[0].timeo.login_timeout).
  package var loginTimeoutMilliseconds: UInt64 = 15_000
  /// The same for a discovery (discovery.sendtargets.timeo.login_timeout).
  package var discoveryLoginTimeoutMilliseconds: UInt64 = 15_000
  /// How long a portal may take to list its targets, once logged in
  /// (discovery.sendtargets.timeo.active_timeout).
  package var discoveryTimeoutMilliseconds: UInt64 = 30_000
  package var sessionTimeouts = SessionTimeouts()
  /// Commands a LUN may have in flight, in each reactor (node.session.queue_depth); not 0.
  package var queueDepth: UInt16 = 32
  /// How often the first login is tried, where it is wanted without being asked for; nil: for as
  /// long as it is wanted (node.session.initial_login_retry_max).
  package var initialLoginAttempts: Int?
  /// How often a lost session is tried to bring back; nil: for ever (node.session.reopen_max).
  package var reopenAttempts: Int?
  /// What connections are made with (node.conn[0].tcp).
  package var socketOptions = SocketOptions()

  /// 24 random bits that tell this mount's sessions from those of others with the same name.
  package var isidRandom: UInt32

  package init(initiatorName: String, isidRandom: UInt32) {
    self.initiatorName = initiatorName
    self.isidRandom = isidRandom
  }
}
