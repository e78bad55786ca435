package import Reactor

/// A wait of a session that can be changed while it is logged in.
package enum SessionTimeout: CaseIterable, Sendable {
  /// How long I/O waits for a lost session (node.session.timeo.replacement_timeout).
  case recovery
  /// What the answers to ABORT TASK, LOGICAL UNIT RESET and a target reset may take
  /// (node.session.err_timeo).
  case abort, logicalUnitReset, targetReset
  /// Silence after which a NOP-Out asks, and how long its answer may take
  /// (node.conn[0].timeo.noop_out_interval and noop_out_timeout).
  case pingInterval, ping
}

extension SessionTimeouts {
  /// One of them in seconds; nil is for ever, which `recovery` alone may be.
  package subscript(timeout: SessionTimeout) -> UInt64? {
    get {
      switch timeout {
      case .recovery: replacementMilliseconds.map { $0 / 1000 }
      case .abort: abortMilliseconds / 1000
      case .logicalUnitReset: logicalUnitResetMilliseconds / 1000
      case .targetReset: targetResetMilliseconds / 1000
      case .pingInterval: pingIntervalMilliseconds / 1000
      case .ping: pingTimeoutMilliseconds / 1000
      }
    }
    set {
      let milliseconds = newValue.map { $0 * 1000 }
      precondition(milliseconds != nil || timeout == .recovery, "only recovery may be for ever")
      switch (timeout, milliseconds ?? 0) {
      case (.recovery, _): replacementMilliseconds = milliseconds
      case (.abort, let milliseconds): abortMilliseconds = milliseconds
      case (.logicalUnitReset, let milliseconds): logicalUnitResetMilliseconds = milliseconds
      case (.targetReset, let milliseconds): targetResetMilliseconds = milliseconds
      case (.pingInterval, let milliseconds): pingIntervalMilliseconds = milliseconds
      case (.ping, let milliseconds): pingTimeoutMilliseconds = milliseconds
      }
    }
  }
}
