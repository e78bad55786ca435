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
  /// How long its commands may take, in seconds, before the target is asked to end them.
  case setTimeout(seconds: UInt64)
}

/// One command written to a session's `control` file.
package enum SessionCommand: Equatable, Sendable {
  case logout
  case drop
  /// Asks the target for a sign of life.
  case nop
  /// Ends one of several connections; the session goes on.
  case logoutConnection(UInt16)
  /// A wait of this session from now on, in seconds; nil for ever, which `recovery` alone may be.
  case setTimeout(SessionTimeout, seconds: UInt64?)
}
