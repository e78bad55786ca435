import FUSE
import LogicalUnit

/// Writes that nobody waits for any more and that may still run at the target of a lost session.
/// They give their slots back, and keep their blocks.
///
/// Each has a lock of its own behind those of the slots, and a place in `KeptRanges`.
extension Reactor {
  /// Ends a request that has been answered and keeps its blocks until its session's next login.
  ///
  /// - Returns: false where there is no room for one more.
  mutating func leaveBlocks(of index: Int) -> Bool {
    guard let place = freeKeptWrite() else { return false }
    let owner = slots.requestCount + place
    keptWriteCount += 1
    keptWrites[place] = KeptWrite(
      isTaken: true, session: slots[index].session, unit: slots[index].unit,
      leavesUnknown: slots[index].leavesUnknown)
    locks.hand(from: UInt16(index), to: UInt16(owner))
    slots[index].holdsRange = false
    if lanes.count > 1 {
      // Seen by the others here before it is not seen there any more.
      sharedUnits.kept.keep(
        slots[index].blocks, unit: Int(slots[index].unit), lane: lane, slot: owner)
    }
    end(index)
    return true
  }

  private func freeKeptWrite() -> Int? {
    guard keptWriteCount < keptWrites.count else { return nil }
    for place in 0..<keptWrites.count where !keptWrites[place].isTaken { return place }
    return nil
  }

  /// The old nexus of a session is dead, and with it what was left of its writes.
  mutating func releaseBlocks(session index: Int) {
    guard keptWriteCount > 0 else { return }
    for place in 0..<keptWrites.count
    where keptWrites[place].isTaken && keptWrites[place].session == UInt16(index) {
      releaseBlocks(place)
    }
  }

  /// A place is given to another unit.
  mutating func releaseBlocks(unit index: Int) {
    guard keptWriteCount > 0 else { return }
    for place in 0..<keptWrites.count
    where keptWrites[place].isTaken && keptWrites[place].unit == UInt16(index) {
      releaseBlocks(place)
    }
  }

  private mutating func releaseBlocks(_ place: Int) {
    let write = keptWrites[place]
    let unit = Int(write.unit)
    keptWrites[place].isTaken = false
    keptWriteCount -= 1
    locks.release(owner: UInt16(slots.requestCount + place))
    if write.leavesUnknown { tellContentsUnknown(unit: write.unit) }
    endKeeping(unit: unit, slot: slots.requestCount + place)
    while let granted = locks.nextGranted() { beginGranted(Int(granted)) }
  }

  /// Whether every session that shows a unit here has been lost for longer than its tasks may wait.
  func isPathless(unit: Int) -> Bool {
    var hasSession = false
    for position in 0..<Int(units[unit].sessionCount) {
      guard let session = find(units[unit].sessions[position]) else { continue }
      guard isExpired(session: session) else { return false }
      hasSession = true
    }
    return hasSession
  }
}
