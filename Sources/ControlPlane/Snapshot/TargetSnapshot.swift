/// A target as `targets/<iqn>/` shows it.
package struct TargetSnapshot: Equatable, Sendable {
  /// The words of the `state` file.
  package enum State: String, Equatable, Sendable {
    case loggedIn = "LOGGED_IN"
    case loggedOut = "LOGGED_OUT"
    case loggingIn = "LOGGING_IN"
    case recovering = "RECOVERING"
    case failed = "FAILED"
  }

  /// The name as the target has it.
  package var name: String
  /// The name made safe: never empty, never with `/`, never `.` or `..`.
  package var directoryName: String
  package var state: State
  /// Set while it is recovering.
  package var outage: Outage?
  /// "<open-iscsi number> <NAME> <sentence>".
  package var lastError: String
  package var portals: [PortalSnapshot]
  package var sessions: [SessionSnapshot]
  /// By LUN.
  package var logicalUnits: SnapshotList<LogicalUnitSnapshot>
}

/// A portal as `portals/<addr>,<port>,<tpgt>/` shows it.
package struct PortalSnapshot: Equatable, Sendable {
  package var address: String
  package var port: UInt16
  package var targetPortalGroupTag: UInt16
  package var state: TargetSnapshot.State
  package var lastError: String

  /// "<addr>,<port>,<tpgt>".
  package var directoryName: String { "\(address),\(port),\(targetPortalGroupTag)" }
}
