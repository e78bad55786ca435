import LinuxIO

/// A loss of a session that lasts: what people are told of it, and when its callers are.
struct SessionOutage {
  let since: WallTime
  /// When what waits for the session fails; nil: it waits for ever.
  let until: WallTime?
  /// How long the target had said nothing when the session was lost.
  let silence: Duration
  /// How long ago that was.
  let elapsed: @Sendable () -> Duration
  /// That time has come.
  var isFailing = false
  /// Logins tried.
  var tries = 0
  /// Tells when that time comes.
  var timer: Task<Void, Never>?

  /// How long what waits for the session has been waiting.
  var waitingTime: Duration { silence + elapsed() }
}

/// What a session's losses came to, while the mount lives.
struct OutageCounts {
  /// Connections of it that were lost.
  var losses = 0
  /// Logins tried to bring it back.
  var tries = 0
  /// How long it was away, up to its last return.
  var time = Duration.zero
}
