/// Every drill there is, in the order they run.
enum Catalogue {
  /// - Parameters:
  ///   - clockJump: the library of drill 26.
  ///   - guestCache: where packages for a guest are kept.
  static func all(clockJump: String, guestCache: String) -> [any Drill] {
    [
      TargetRestart(manner: .terminated), TargetRestart(manner: .killed), TargetAway(),
      FrozenTarget(), Resets(manner: .everyFifth), Resets(manner: .everySecond),
      Resets(manner: .randomBytes), Silence(), Jitter(), Failover(), DaemonKilled(),
      DaemonTerminated(), UnmountUnderLoad(), ConnectionAbort(), LUNRemoved(),
      ReservationConflict(), WriteProtection(), AttentionStorm(), BusyUnit(), MediumError(),
      LostCache(), ClockJump(library: clockJump), Outages(), Isolation(), ConnectionsLeaving(),
      FrozenBeside(),
      LinuxTargetDrill(cache: guestCache),
    ] + onRequest
  }

  /// What a write cache adds, run where it is named: a lost nexus is then an error of the next
  /// fsync, where nothing makes it good.
  static let onRequest: [any Drill] = [
    TargetRestart(manner: .terminated, hasWriteCache: true),
    TargetRestart(manner: .killed, hasWriteCache: true),
    Resets(manner: .everyFifth, hasWriteCache: true),
  ]

  /// Whether a run of everything takes the write cache's variants along.
  static let includesWriteCache = true
}
