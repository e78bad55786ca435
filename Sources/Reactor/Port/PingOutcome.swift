/// How a NOP-Out that somebody asked for ended.
package enum PingOutcome: Equatable, Sendable {
  /// The target answered after so many nanoseconds.
  case answered(nanoseconds: UInt64)
  /// The target, though it sends something, has not answered in time.
  case timedOut
  /// The connection was lost before, for want of the answer perhaps.
  case sessionLost
  /// The handle names no session that is logged in.
  case notConnected
  /// More at once than are waited for, or no room to send.
  case busy
}
