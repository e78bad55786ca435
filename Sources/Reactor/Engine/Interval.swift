import LinuxIO

/// How long things may take, in nanoseconds.
enum Interval {
  static let millisecond: UInt64 = 1_000_000
  static let second: UInt64 = 1_000_000_000
  /// Between looks at what is due, while something is.
  static let tick: UInt64 = 250 * millisecond
  /// The same while commands wait to be sent again.
  static let shortTick: UInt64 = 20 * millisecond
  /// Longer than a healthy path ever takes: from then on a caller may be interrupted.
  static let interrupt: UInt64 = second
  /// The first wait after BUSY; it doubles up to `retryMaximum`.
  static let retryMinimum: UInt64 = 50 * millisecond
  static let retryMaximum: UInt64 = 2 * second
  /// Between looks at the signals of an interrupted caller.
  static let signals = PendingSignals.lookInterval * millisecond
  /// Idle sessions are pinged in about so many groups, spread over the ping interval.
  static let pingGroups: UInt64 = 8
  /// A command without any answer for so long has the ladder climbed for it.
  static let command: UInt64 = 30 * second
  /// What was asked for again and does not begin to come for so long ends its connection.
  static let recovery: UInt64 = 5 * second
  /// As much of the time of a READ that reads back is not counted as waiting.
  static let readBack: UInt64 = 100 * millisecond
  /// A command the target says it still expects, so long after it left, is sent again.
  static let acknowledgement: UInt64 = 5 * second
  /// The target must have said so by a PDU that came so long after the command left.
  static let roundTrip: UInt64 = second
  /// A PDU that has begun to arrive and is not whole after so long ends its connection.
  static let wholePDU: UInt64 = 30 * second
}
