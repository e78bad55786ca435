@testable import ControlPlane

/// What the control plane knows of one session.
final class SessionModel {
  enum State {
    case away
    /// Handed over, nobody knows yet whose LUNs are behind it.
    case held
    case up
  }

  var state = State.away
  /// The first connection's.
  var link: Link?
  /// Told apart from what was planned before the last loss.
  var epoch = 0
  var schedule = RecoverySchedule()
  var isKnown = false
  var backAt: UInt64 = 0
  var lostAt: UInt64?
  /// When the target last said anything before that, on the connection silent for the longest.
  var silentAt: UInt64 = 0

  // Several connections, and those that come back.
  /// Whose session it is at the target: its TSIH.
  weak var nexus: Nexus?
  /// The links of further connections, by CID.
  private(set) var others: [UInt16: Link] = [:]
  /// Connections that were there once in this session.
  var known: Set<UInt16> = []
  /// The connection that is being logged in.
  var joining: UInt16?
  var joinSchedule = RecoverySchedule()
  /// The target has refused one: no other is asked for before the session is opened anew.
  var refusesMore = false
  /// Its tasks stay at the target for a connection that replaces its only one.
  var keepsTasks = false
  /// The reactor takes them for kept, whatever the control plane knows by now.
  var countsAsKept = false
  var outageAt: UInt64 = 0

  /// When the target last said anything on the connection that has been silent for the longest.
  var silentSince: UInt64? {
    ([link].compactMap(\.self) + otherLinks).map(\.deliveredAt).min()
  }

  /// In the order of their CIDs.
  var otherLinks: [Link] { others.sorted { $0.key < $1.key }.map(\.value) }

  func set(_ link: Link, as connectionID: UInt16) {
    if connectionID == 0 { self.link = link } else { others[connectionID] = link }
  }

  func link(_ connectionID: UInt16) -> Link? {
    connectionID == 0 ? link : others[connectionID]
  }

  /// It is opened anew: it has one connection.
  func forgetConnections() {
    others = [:]
    known = []
    joining = nil
    joinSchedule = RecoverySchedule()
    refusesMore = false
    nexus = nil
    keepsTasks = false
  }

  /// The daemon has ended, and all it knew.
  func forget() {
    state = .away
    epoch += 1
    schedule = RecoverySchedule()
    isKnown = false
    lostAt = nil
    countsAsKept = false
    forgetConnections()
  }
}
