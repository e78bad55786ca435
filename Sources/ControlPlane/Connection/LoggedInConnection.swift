import ISCSI
import Reactor

/// A connection in full feature phase: what the reactor gets and what the tree shows.
struct LoggedInConnection: ~Copyable, Sendable {
  var handover: ConnectionHandover
  var facts: LoginFacts

  /// Lets go of the facts: the reactor takes the rest.
  consuming func takeHandover() -> ConnectionHandover { handover }
}

/// What a login found out, for snapshots and for the next login.
struct LoginFacts: Equatable, Sendable {
  var tsih: UInt16
  var targetPortalGroupTag: UInt16?
  var parameters: NegotiatedParameters
  var connectionID: UInt16
  var ends: ConnectionEnds
  /// Where the login began, before any redirection.
  var portal: Portal
  /// Where a permanent redirection sent us: remembered while the program runs.
  var movedTo: Portal?
  /// Where the portals on the way were reached.
  var reached = KnownAddresses()
  /// What was tried until it succeeded.
  var records: [LoginRecord] = []
}
