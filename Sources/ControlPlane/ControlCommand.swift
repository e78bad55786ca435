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

/// One command written to a session's `control` file.
package enum SessionCommand: Equatable, Sendable {
  case logout
  case drop
  /// Asks the target for a sign of life.
  case nop
  /// replacement_timeout of this session, in seconds; nil for ever (`recovery_tmo`).
  case setRecoveryTimeout(seconds: UInt64?)
}
