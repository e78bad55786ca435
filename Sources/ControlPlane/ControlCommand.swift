/// One command written to the root's `control` file.
package enum RootCommand: Equatable, Sendable {
  case discover(source: String)
  case add(name: String, portal: String)
  case remove(name: String)
  case login(name: String?)
  case logout(name: String?, force: Bool)
  case rescan
  case shutdown
}

/// One command written to a target's `control` file.
package enum TargetCommand: Equatable, Sendable {
  case login(nowait: Bool)
  case logout(force: Bool)
  case rescan
  /// TARGET WARM RESET or TARGET COLD RESET.
  case reset(isCold: Bool)
  case remove
}

/// One command written to the `control` file of a LUN's directory.
package enum LogicalUnitCommand: Equatable, Sendable {
  /// Asks it again who it is and how large.
  case rescan
  /// LOGICAL UNIT RESET, for every initiator.
  case reset
  /// SYNCHRONIZE CACHE of all of it.
  case flush
  /// Serves its file no more, until `online`.
  case offline(force: Bool)
  case online
}

/// One command written to a session's `control` file.
package enum SessionCommand: Equatable, Sendable {
  case logout
  case drop
  /// Asks the target for a sign of life.
  case nop
  /// Ends one of several connections; the session goes on.
  case logoutConnection(UInt16)
  /// replacement_timeout of this session, in seconds; nil for ever (`recovery_tmo`).
  case setRecoveryTimeout(seconds: UInt64?)
}
