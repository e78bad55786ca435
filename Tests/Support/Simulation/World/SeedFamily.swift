/// What a seed plays: its high half says so, so that the seeds of one family stay what they were
/// when another comes.
package enum SeedFamily: UInt64, CaseIterable, Sendable {
  /// ErrorRecoveryLevel 0, one connection a session.
  case plain = 0
  /// ErrorRecoveryLevel 0 to 2, one to three connections a session.
  case recovery = 1
  /// As the first; caches are flushed in the background, slowly, and then the target's power goes.
  case caching = 2

  /// Every high half that is none is that of the last family.
  package init(of seed: UInt64) { self = Self(rawValue: seed >> 32) ?? .caching }

  /// The seed with this number in the family.
  package func seed(_ number: UInt64) -> UInt64 { rawValue << 32 | number & 0xFFFF_FFFF }
}
