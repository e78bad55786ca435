import SCSI

/// Orders the writes of one mount so that a read-modify-write is atomic among them.
///
/// Two writes of the same logical unit conflict when their blocks overlap and at least one of them
/// reads before it writes; whole-block writes are atomic already and do not wait for each other.
/// Every write takes a ticket as it comes; it runs when no conflicting write with an earlier ticket
/// is left, running or waiting. So nobody is overtaken by a write it conflicts with, waiting
/// writes cannot starve, and waits follow ascending tickets and cannot form a circle.
///
/// Owned by one reactor. All memory is taken at init. While no read-modify-write is present, taking
/// and releasing a lock touch one entry; otherwise each looks at every entry once.
package struct RangeLocks: ~Copyable {
  /// Whether a write may go ahead.
  package enum Admission: UInt8, BitwiseCopyable, Hashable, Sendable {
    case granted

    /// Wait until `nextGranted()` gives this owner.
    case parked
  }

  /// What one owner holds or waits for.
  struct Entry: BitwiseCopyable {
    enum State: UInt8, BitwiseCopyable {
      case free
      case active
      case parked
    }

    var state = State.free
    var isReadModifyWrite = false
    var logicalUnit: UInt16 = 0

    /// Conflicting entries with earlier tickets; zero in a parked entry: ready to be granted.
    var blockerCount: UInt16 = 0

    var ticket: UInt64 = 0
    var blocks = BlockRange(first: .init(0), count: 0)

    /// True when this entry and `other` must not run together, free ones conflicting with none.
    func conflicts(with other: Entry) -> Bool {
      state != .free && other.state != .free && logicalUnit == other.logicalUnit
        && (isReadModifyWrite || other.isReadModifyWrite) && blocks.overlaps(other.blocks)
    }
  }

  /// One entry per owner, so that an owner's number finds its own.
  private var entries: [Entry]

  /// Never wraps: 2^64 writes take longer than the machine lives.
  private var nextTicket: UInt64 = 0

  /// Read-modify-writes running or waiting; while zero, nothing conflicts and nothing waits.
  private var readModifyWriteCount = 0

  /// Parked entries that nothing blocks any more.
  private var readyCount = 0

  /// Entries that wait, ready ones included.
  package private(set) var parkedCount = 0

  /// Locks for owners numbered below `capacity`, each holding at most one.
  package init(capacity: Int) {
    precondition(capacity > 0 && capacity <= Int(UInt16.max), "owners are 16-bit slot indices")
    entries = Array(repeating: Entry(), count: capacity)
  }

  package var capacity: Int { entries.count }

  /// Asks for `blocks` of a logical unit for `owner`; traps if that one has a lock already.
  package mutating func acquire(
    owner: UInt16, logicalUnit: UInt16, blocks: BlockRange, isReadModifyWrite: Bool
  ) -> Admission {
    precondition(!blocks.isEmpty, "a lock covers at least one block")
    precondition(entries[Int(owner)].state == .free, "an owner has one lock at a time")
    var entry = Entry(
      state: .active, isReadModifyWrite: isReadModifyWrite, logicalUnit: logicalUnit,
      ticket: nextTicket, blocks: blocks)
    nextTicket += 1
    if isReadModifyWrite { readModifyWriteCount += 1 }
    if readModifyWriteCount > 0 {
      entry.blockerCount = conflictCount(of: entry)
    }
    if entry.blockerCount > 0 {
      entry.state = .parked
      parkedCount += 1
    }
    entries[Int(owner)] = entry
    return entry.state == .parked ? .parked : .granted
  }

  /// Lets later writes wait for `owner`, also whole-block ones: its caller has been answered, and
  /// it still runs.
  package mutating func keep(owner: UInt16) {
    let kept = entries[Int(owner)]
    precondition(kept.state == .active, "only who holds blocks can keep them")
    guard !kept.isReadModifyWrite else { return }
    // Those that wait for others now wait for this one too.
    for index in entries.indices
    where entries[index].state == .parked && entries[index].ticket > kept.ticket
      && !entries[index].isReadModifyWrite && entries[index].logicalUnit == kept.logicalUnit
      && entries[index].blocks.overlaps(kept.blocks)
    {
      if entries[index].blockerCount == 0 { readyCount -= 1 }
      entries[index].blockerCount += 1
    }
    entries[Int(owner)].isReadModifyWrite = true
    readModifyWriteCount += 1
  }

  /// Gives what `owner` holds to `other`, which has nothing; traps where either is not so.
  package mutating func hand(from owner: UInt16, to other: UInt16) {
    precondition(entries[Int(owner)].state == .active, "only who holds blocks can hand them over")
    precondition(entries[Int(other)].state == .free, "an owner has one lock at a time")
    entries[Int(other)] = entries[Int(owner)]
    entries[Int(owner)].state = .free
  }

  /// Gives up what `owner` holds or waits for; traps if that is nothing.
  ///
  /// Drain `nextGranted()` afterwards.
  package mutating func release(owner: UInt16) {
    let released = entries[Int(owner)]
    precondition(released.state != .free, "only a lock that was asked for is released")
    entries[Int(owner)].state = .free
    if released.isReadModifyWrite { readModifyWriteCount -= 1 }
    if released.state == .parked {
      parkedCount -= 1
      if released.blockerCount == 0 { readyCount -= 1 }
    }
    if parkedCount > 0 { unblock(conflictsOf: released) }
  }

  /// The waiting owner that came first of those nothing blocks any more, now granted; nil: no more.
  package mutating func nextGranted() -> UInt16? {
    guard readyCount > 0 else { return nil }
    var found: Int?
    var earliest = UInt64.max
    for index in entries.indices {
      let entry = entries[index]
      if entry.state == .parked, entry.blockerCount == 0, entry.ticket < earliest {
        found = index
        earliest = entry.ticket
      }
    }
    guard let found else { preconditionFailure("an entry counted as ready is there") }
    entries[found].state = .active
    parkedCount -= 1
    readyCount -= 1
    return UInt16(found)
  }

  /// How many present entries conflict with a newcomer, all of which have earlier tickets.
  private func conflictCount(of newcomer: Entry) -> UInt16 {
    var count: UInt16 = 0
    for index in entries.indices where entries[index].conflicts(with: newcomer) {
      count += 1
    }
    return count
  }

  /// Takes `released` out of the counts of the later entries that waited for it.
  private mutating func unblock(conflictsOf released: Entry) {
    for index in entries.indices {
      guard entries[index].state == .parked, entries[index].ticket > released.ticket,
        entries[index].conflicts(with: released)
      else { continue }
      entries[index].blockerCount -= 1
      if entries[index].blockerCount == 0 { readyCount += 1 }
    }
  }
}
