/// How long each step may take, in seconds.
///
/// Source: the keys `node.session.timeo.*`, `node.session.err_timeo.*`, `node.conn[0].timeo.*`.
package struct TimeoutSettings: Equatable, Sendable {
  /// How long tasks wait for a lost session to come back: 0 fails them at once, below 0 waits
  /// for ever.
  package var replacementSeconds: Int32 = 120
  package var abortSeconds: UInt32 = 15
  package var logicalUnitResetSeconds: UInt32 = 30
  package var targetResetSeconds: UInt32 = 30
  package var loginSeconds: UInt32 = 15
  package var logoutSeconds: UInt32 = 15
  /// 0 sends no NOP-Outs of our own.
  package var noopOutIntervalSeconds: UInt32 = 5
  package var noopOutSeconds: UInt32 = 5

  package init() {}
}
