import LogicalUnit

/// SYNCHRONIZE CACHE that nobody has asked for, so that a stream without fsync stays covered: what
/// is remembered of it has an end (decision 013).
///
/// It is an fsync without a caller, one of a unit at a time, and like every fsync reads back what a
/// loss has put in doubt. Where it fails nothing is told: what is owed stays owed, what is in doubt
/// stays in doubt. It comes with writes only, never to a unit that is idle.
extension Reactor {
  /// A write was remembered: its unit may want a flush.
  ///
  /// - Parameter wantsFlush: much is remembered of it.
  mutating func noteWish(_ unit: Int, _ wantsFlush: Bool) {
    guard units[unit].flushesUnasked, wantsFlush || !units[unit].hasFlushedUnasked else { return }
    // Of two in one turn the other one says so again with its next write.
    unitToFlush = unit
  }

  /// Begins the flush that is wanted, where a slot is to spare and none is under way.
  mutating func flushUnasked() {
    guard let unit = unitToFlush.take(), units[unit].state == .exposed,
      let index = slots.nextFreeForEntry, sharedUnits.beginFlush(unit)
    else { return }
    units[unit].hasFlushedUnasked = true
    begin(
      index, .synchronize, for: Caller(),
      LogicalUnitHandle(index: UInt16(unit), generation: units[unit].generation))
    slots[index].isUnasked = true
    beginSynchronize(index, unit: unit)
  }
}
