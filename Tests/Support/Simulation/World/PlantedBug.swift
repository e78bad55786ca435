/// A bug of an initiator's, planted where the simulation touches it: in what it sends, in what it
/// answers, in how it is set up. The checker must find every one.
package enum PlantedBug: String, CaseIterable, Sendable {
  /// A lost session comes back on a new nexus while the old one lives and still has its tasks.
  case skippedReinstatement
  /// A write that was under way when the session was lost is answered without being sent again.
  case droppedReplay
  /// A write is answered before the target has taken it.
  case earlyAcknowledgement
  /// A write that was answered reaches the medium after a later one of the same blocks.
  case reorderedOverlappingWrites
  /// A short read is believed: what did not come is taken from the buffer as it is.
  case ignoredResidual
  /// Bytes that were changed on the wire are believed.
  case uncheckedDigest
  /// fsync is answered without SYNCHRONIZE CACHE.
  case unflushedSync
  /// O_DSYNC is answered like any write.
  case ignoredDurability
  /// A write of parts of blocks reads and writes them back beside other writes.
  case unlockedRewrite
  /// The answer to a slot's earlier task is taken for the present one's.
  case staleTag
  /// A Data-Out carries the bytes of another place of the buffer.
  case wrongBufferOffset
  /// A volatile cache was lost with what was answered, and fsync says 0.
  case silentLostCache
  /// After a loss fsync flushes, and does not look whether what was written before is there.
  case skippedReadBack
  /// After a loss fsync says EIO without looking.
  case doubtIsLoss
  /// What was answered while a flush was under way counts as flushed by it.
  case lateRelease
  /// After another loss blocks count as found that nobody has read.
  case unreadIsFound
  /// What was overwritten is what has to be there after a loss.
  case overwrittenRemembered
  /// An error is answered as success.
  case swallowedError
  /// A request is answered twice.
  case doubleAnswer
  /// A request is never answered.
  case lostAnswer
  /// The answers to two reads are exchanged.
  case crossedAnswers
  /// A status is acknowledged before its data, or it, have come.
  case earlyStatusAcknowledgement
  /// A write that goes on over another connection is sent anew as well.
  case executedTwice
  /// A command that did not get through is sent again with another CmdSN.
  case renumberedRetry
  /// The data of a Data-In whose digest is wrong count as there.
  case damagedCountsAsThere
  /// What was answered while a background flush was under way counts as flushed by it.
  case lateBackgroundRelease

  /// Where it is looked for.
  package var family: SeedFamily {
    switch self {
    case .earlyStatusAcknowledgement, .executedTwice, .renumberedRetry, .damagedCountsAsThere:
      .recovery
    case .lateBackgroundRelease: .caching
    default: .plain
    }
  }
}
