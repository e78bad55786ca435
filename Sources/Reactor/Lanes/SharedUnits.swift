import LogicalUnit
import Synchronization

/// What the reactors of a mount must know together about its LUN files.
///
/// Every reactor counts its own writes in memory of its own, and looks at the others' only for an
/// fsync or a write that is no whole number of blocks. No lock is taken, but for what is remembered
/// of writes behind a volatile cache.
final class SharedUnits: @unchecked Sendable {
  /// Whether a write may go ahead on the reactor it came to.
  enum Admission: Equatable {
    case granted
    /// Another reactor rewrites parts of blocks of this LUN: the write is that one's to order.
    case belongs(lane: Int)
  }

  struct Unit: ~Copyable {
    /// The reactor that rewrites parts of blocks, plus one; 0: none does.
    let rewriter = Atomic<UInt8>(0)
    /// Writes (of all reactors, summed) that were on the medium at the last flush.
    let synced = Atomic<UInt64>(0)
    /// Flushed since it has been known: before that somebody else may have written.
    let isFlushed = Atomic<Bool>(false)
    /// How often something that was answered GOOD is lost, or nobody can find out: a device's
    /// deferred error, a nexus lost before a flush.
    let failures = Atomic<UInt32>(0)
    /// How many of them an fsync has passed on.
    let failuresTold = Atomic<UInt32>(0)
    /// Failures, and losses that can be found out about: since one of them nothing that was written
    /// before counts as done.
    let incidents = Atomic<UInt32>(0)
    /// The position of `UnflushedWrites`, to be read without its lock.
    let position = Atomic<UInt64>(0)
    /// Some reactor flushes it unasked.
    let isBeingFlushed = Atomic<Bool>(false)
    /// How long fsyncs have read what they need not read again, in nanoseconds.
    let readingTime = Atomic<UInt64>(0)
    /// Opens for writing, of all units that had this place.
    let writers = Atomic<UInt32>(0)
  }

  private struct Counters: ~Copyable {
    /// Writes answered GOOD, of all units that had this place.
    let written = Atomic<UInt64>(0)
    /// Whole-block writes under way.
    let writing = Atomic<UInt32>(0)
  }

  let lanes: Lanes
  let units: FixedArray<Unit>
  let unflushed: Mutex<UnflushedWrites>
  /// One table a reactor.
  private let counters: FixedArray<FixedArray<Counters>>
  /// Of each slot of each reactor, where there are several: the unit whose volatile cache it writes
  /// to, and above 16 bits a position no later than the write was sent at; all ones: none.
  let sent: FixedArray<FixedArray<Atomic<UInt64>>>
  /// Of writes that were given up.
  let kept: KeptRanges
  /// The reactors with requests that wait until blocks are kept no longer, or a reactor has stopped
  /// to rewrite: a bit each.
  private let waiting = Atomic<UInt16>(0)

  /// - Parameters:
  ///   - unflushedBytes: the memory for what is remembered of writes not flushed.
  ///   - slotCount: how many writes a reactor can have under way.
  init(
    lanes: Lanes, unitCount: Int, unflushedBytes: Int = IOLimits().unflushedBytes,
    slotCount: Int = IOLimits().requestSlots
  ) {
    self.lanes = lanes
    unflushed = Mutex(UnflushedWrites(unitCount: unitCount, byteCount: unflushedBytes))
    units = FixedArray(count: unitCount) { _ in Unit() }
    counters = FixedArray(count: lanes.count) { _ in
      FixedArray(count: unitCount) { _ in Counters() }
    }
    kept = KeptRanges(laneCount: lanes.count, slotCount: 2 * slotCount)
    sent = FixedArray(count: lanes.count) { _ in
      FixedArray(count: lanes.count > 1 ? slotCount : 1) { _ in Atomic<UInt64>(.max) }
    }
  }

  /// A place is given to another unit; called by every reactor, when nothing of the old is left.
  ///
  /// The counts of writes go on: no reactor could take back its own without the others' knowing.
  func reset(_ unit: Int, generation: UInt16, lane: Int) {
    unflushed.withLock { log in log.reset(unit, generation: generation) }
    guard lane == 0 else { return }
    units[unit].isFlushed.store(false, ordering: .releasing)
    units[unit].failuresTold.store(
      units[unit].failures.load(ordering: .acquiring), ordering: .releasing)
  }

  // MARK: - Durability

  /// A write was answered GOOD.
  func wrote(_ unit: Int, lane: Int) {
    // Only this reactor adds, so that no locked instruction is needed.
    let count = counters[lane][unit].written.load(ordering: .relaxed)
    counters[lane][unit].written.store(count &+ 1, ordering: .releasing)
  }

  /// The writes so far. What is answered while they are summed may be missing: a flush sent
  /// afterwards covers it, and the next sum differs.
  func epoch(_ unit: Int) -> UInt64 {
    var sum: UInt64 = 0
    for lane in 0..<lanes.count {
      sum &+= counters[lane][unit].written.load(ordering: .acquiring)
    }
    return sum
  }

  /// Whether something was written since the last flush.
  func hasUnflushed(_ unit: Int) -> Bool {
    units[unit].synced.load(ordering: .acquiring) != epoch(unit)
  }

  /// Whether an fsync has to flush: for what was written since the last, or by an earlier daemon.
  func needsFlush(_ unit: Int) -> Bool {
    hasUnflushed(unit) || !isFlushed(unit)
  }

  /// A flush sent when the writes were at `epoch` has succeeded.
  func flushed(_ unit: Int, upTo epoch: UInt64) {
    units[unit].synced.max(epoch, ordering: .acquiringAndReleasing)
    units[unit].isFlushed.store(true, ordering: .releasing)
  }

  /// Whether a flush has succeeded since the unit has been known.
  func isFlushed(_ unit: Int) -> Bool { units[unit].isFlushed.load(ordering: .acquiring) }

  /// Something that was answered GOOD is or may be lost: the fsyncs under way and the next one tell
  /// it.
  func oweError(_ unit: Int) {
    units[unit].incidents.add(1, ordering: .acquiringAndReleasing)
    units[unit].failures.add(1, ordering: .acquiringAndReleasing)
  }

  /// The failures and losses so far.
  func incidents(_ unit: Int) -> UInt32 { units[unit].incidents.load(ordering: .acquiring) }

  /// The failures so far.
  func failures(_ unit: Int) -> UInt32 { units[unit].failures.load(ordering: .acquiring) }

  /// The failures an fsync that begins now need not tell any more.
  func failuresTold(_ unit: Int) -> UInt32 {
    units[unit].failuresTold.load(ordering: .acquiring)
  }

  /// Whether an fsync has to tell of failures; then none that begins later does.
  ///
  /// - Parameter told: `failuresTold` when it began.
  func tellFailures(_ unit: Int, since told: UInt32) -> Bool {
    let failures = failures(unit)
    guard failures != told else { return false }
    units[unit].failuresTold.store(failures, ordering: .releasing)
    return true
  }

  // MARK: - Opens

  /// A file of the unit was opened for writing.
  func opened(_ unit: Int) {
    units[unit].writers.add(1, ordering: .sequentiallyConsistent)
  }

  /// One of these was closed, and none of its mappings is left.
  func closed(_ unit: Int) {
    units[unit].writers.subtract(1, ordering: .sequentiallyConsistent)
  }

  /// Whether the kernel may hold bytes of the unit that have not come to us: pages written through
  /// a mapping, or written back later.
  func mayBeDirty(_ unit: Int) -> Bool {
    units[unit].writers.load(ordering: .sequentiallyConsistent) != 0
  }

  // MARK: - Writes among reactors

  /// A whole-block write begins; when granted, `endWrite` follows.
  func beginWrite(_ unit: Int, lane: Int) -> Admission {
    guard lanes.count > 1 else { return .granted }
    // Counted before it is looked whether somebody rewrites: one of both sees the other.
    counters[lane][unit].writing.add(1, ordering: .sequentiallyConsistent)
    let rewriter = units[unit].rewriter.load(ordering: .sequentiallyConsistent)
    guard rewriter != 0, Int(rewriter) - 1 != lane else { return .granted }
    _ = endWrite(unit, lane: lane)
    return .belongs(lane: Int(rewriter) - 1)
  }

  /// A granted write has ended; returns the reactor to wake because it may have waited for this.
  func endWrite(_ unit: Int, lane: Int) -> Int? {
    guard lanes.count > 1 else { return nil }
    counters[lane][unit].writing.subtract(1, ordering: .sequentiallyConsistent)
    let rewriter = units[unit].rewriter.load(ordering: .sequentiallyConsistent)
    return rewriter == 0 || Int(rewriter) - 1 == lane ? nil : Int(rewriter) - 1
  }

  /// A write that was given up has ended; returns the reactor to wake as `endWrite` does.
  func endKeeping(_ unit: Int, lane: Int, slot: Int) -> Int? {
    kept.release(lane: lane, slot: slot)
    let rewriter = units[unit].rewriter.load(ordering: .sequentiallyConsistent)
    return rewriter == 0 || Int(rewriter) - 1 == lane ? nil : Int(rewriter) - 1
  }

  /// Makes a reactor the one that rewrites parts of this unit's blocks, unless another is.
  func beginRewriting(_ unit: Int, lane: Int) -> Admission {
    guard lanes.count > 1 else { return .granted }
    let (isMine, found) = units[unit].rewriter.compareExchange(
      expected: 0, desired: UInt8(lane + 1), ordering: .sequentiallyConsistent)
    return isMine || Int(found) - 1 == lane ? .granted : .belongs(lane: Int(found) - 1)
  }

  /// Whether no other reactor has a write under way that began before it knew, nor one of these
  /// blocks that was given up.
  func isQuiet(_ unit: Int, _ blocks: BlockRange, for lane: Int) -> Bool {
    for other in 0..<lanes.count where other != lane {
      if counters[other][unit].writing.load(ordering: .sequentiallyConsistent) != 0 {
        return false
      }
    }
    // Looked at last: who gives a write up keeps its blocks before it stops counting.
    return !kept.has(blocks, unit: unit, besides: lane)
  }

  /// Whether a write would change blocks of one that was given up; then its reactor is woken when
  /// there may be no such any more.
  func mustWait(_ unit: Int, _ blocks: BlockRange, lane: Int) -> Bool {
    guard kept.has(blocks, unit: unit) else { return false }
    awaitRelease(lane: lane)
    return kept.has(blocks, unit: unit)
  }

  /// Has a reactor woken by the next release; it looks once more before it waits: one of both sees
  /// the other.
  func awaitRelease(lane: Int) {
    waiting.bitwiseOr(1 << UInt16(lane), ordering: .sequentiallyConsistent)
  }

  /// The reactors to wake after a release, a bit each.
  func takeWaiting() -> UInt16 {
    guard waiting.load(ordering: .sequentiallyConsistent) != 0 else { return 0 }
    return waiting.exchange(0, ordering: .sequentiallyConsistent)
  }

  /// The last rewrite has ended.
  func endRewriting(_ unit: Int, lane: Int) {
    guard lanes.count > 1 else { return }
    units[unit].rewriter.store(0, ordering: .sequentiallyConsistent)
  }
}
