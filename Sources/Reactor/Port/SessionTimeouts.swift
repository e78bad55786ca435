/// The waits of a session, in milliseconds, after open-iscsi's keys.
package struct SessionTimeouts: BitwiseCopyable, Equatable, Sendable {
  /// How long tasks wait for a lost session: nil for ever, 0 not at all
  /// (node.session.timeo.replacement_timeout).
  package var replacementMilliseconds: UInt64?
  /// Silence after which a NOP-Out asks; 0 never (node.conn[0].timeo.noop_out_interval).
  package var pingIntervalMilliseconds: UInt64
  /// How long its answer may take (node.conn[0].timeo.noop_out_timeout).
  package var pingTimeoutMilliseconds: UInt64
  /// How long a Logout Response may take (node.conn[0].timeo.logout_timeout).
  package var logoutMilliseconds: UInt64
  /// How long the answer to an ABORT TASK of ours may take before the next rung
  /// (node.session.err_timeo.abort_timeout).
  package var abortMilliseconds: UInt64
  /// The same for a LOGICAL UNIT RESET (node.session.err_timeo.lu_reset_timeout).
  package var logicalUnitResetMilliseconds: UInt64
  /// The same for a TARGET WARM RESET (node.session.err_timeo.tgt_reset_timeout).
  package var targetResetMilliseconds: UInt64
  /// Commands in flight on the session at most (node.session.cmds_max).
  package var commandsMaximum: UInt16

  package init(
    replacementMilliseconds: UInt64? = 120_000,
    pingIntervalMilliseconds: UInt64 = 5_000,
    pingTimeoutMilliseconds: UInt64 = 5_000,
    logoutMilliseconds: UInt64 = 15_000,
    abortMilliseconds: UInt64 = 15_000,
    logicalUnitResetMilliseconds: UInt64 = 30_000,
    targetResetMilliseconds: UInt64 = 30_000,
    commandsMaximum: UInt16 = 128
  ) {
    self.replacementMilliseconds = replacementMilliseconds
    self.pingIntervalMilliseconds = pingIntervalMilliseconds
    self.pingTimeoutMilliseconds = pingTimeoutMilliseconds
    self.logoutMilliseconds = logoutMilliseconds
    self.abortMilliseconds = abortMilliseconds
    self.logicalUnitResetMilliseconds = logicalUnitResetMilliseconds
    self.targetResetMilliseconds = targetResetMilliseconds
    self.commandsMaximum = commandsMaximum
  }
}
