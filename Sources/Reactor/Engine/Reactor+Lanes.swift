import FUSE
import LinuxIO
import LogicalUnit
import Synchronization

/// Several reactors on one mount: requests go to the one that can serve them.
///
/// A request comes on the queue of its caller's processor. It is served where it came unless only
/// another reactor has a session for the LUN that is up, or another one rewrites parts of the LUN's
/// blocks and has to order all its writes. Then the ring entry is handed over, memory and all, and
/// committed there; an entry that has wandered goes back to its own reactor with the next request
/// it can serve.
extension Reactor {
  /// Takes entries other reactors have handed over.
  mutating func takeForwarded() {
    keepsEntries = true
    while let forwarded = ringExchange?.nextForwarded(lane: lane) {
      entryArrivedAt[forwarded.entry] = forwarded.arrivedAt
      take(entry: forwarded.entry)
    }
    keepsEntries = false
  }

  /// Hands a request on a LUN to another reactor where that one has to serve it; true when done.
  mutating func forward(_ caller: Caller, unit: Int) -> Bool {
    guard lanes.count > 1, let entry = caller.entry, let ringMemory else { return false }
    if units[unit].isServed(by: lane) {
      // Who orders the unit's writes keeps them; who was handed one, where it can serve it.
      let stays = units[unit].rewriteCount > 0 || keepsEntries && isServing(unit, on: lane)
      if stays { return false }
    }
    let own = lanes.lane(of: ringMemory.queue(of: entry))
    let destination = destination(unit: unit, own: own)
    guard destination != lane else { return false }
    forward(caller, to: destination)
    return true
  }

  /// Who serves an entry's request best: its own reactor, then this one, then any that can at once;
  /// where none can, who waits for a session to come back.
  private func destination(unit: Int, own: Int) -> Int {
    if isServing(unit, on: own) { return own }
    if isServing(unit, on: lane) { return lane }
    for other in 0..<lanes.count where isServing(unit, on: other) { return other }
    if units[unit].isServed(by: own) { return own }
    return units[unit].isServed(by: lane) ? lane : Int(units[unit].homeLane)
  }

  /// Whether a reactor has a session that carries the unit's commands now.
  func isServing(_ unit: Int, on other: Int) -> Bool {
    guard units[unit].isServed(by: other) else { return false }
    let serving =
      other == lane
      ? servingSessions : port.lane(other).servingSessions.load(ordering: .acquiring)
    for position in 0..<Int(units[unit].sessionCount) {
      let number = Int(units[unit].sessions[position].index)
      if lanes.lane(of: number) == other, serving & 1 << UInt64(lanes.place(of: number)) != 0 {
        return true
      }
    }
    return false
  }

  /// Whether another reactor has a session that carries the unit's commands now.
  func isServedElsewhere(_ unit: Int) -> Bool {
    for other in 0..<lanes.count where other != lane && isServing(unit, on: other) { return true }
    return false
  }

  /// Takes note, for the other reactors too, of whether a session carries LUNs' commands.
  mutating func noteServing(session index: Int) {
    let bit: UInt64 = 1 << UInt64(index)
    servingSessions =
      sessions[index].isServing ? servingSessions | bit : servingSessions & ~bit
    door.servingSessions.store(servingSessions, ordering: .releasing)
    // What waits on a lost one may go over this one.
    if sessions[index].isServing { nextTick = min(nextTick, now) }
  }

  /// Hands a request to another reactor.
  mutating func forward(_ caller: Caller, to lane: Int) {
    guard let entry = caller.entry, let ringExchange else {
      preconditionFailure("with several reactors requests come through rings")
    }
    ringExchange.forward(entry, arrivedAt: entryArrivedAt[entry], to: lane)
  }

  /// Hands a read or a write over that has been begun here and has nothing at a target, where
  /// another reactor has a path for it; true when it did. It begins anew there, but for its time:
  /// one that loses every path it is given would wander for ever.
  mutating func handOver(_ index: Int) -> Bool {
    let unit = Int(slots[index].unit)
    let caller = slots[index].caller
    let isTransfer = slots[index].kind == .read || slots[index].kind == .write
    guard isTransfer, let entry = caller.entry, !isOverdue(entry: entry, unit: unit),
      // An earlier try may have left data queued, which lie in the entry.
      slots[index].transmitsQueued == 0, isServedElsewhere(unit)
    else { return false }
    slots.takeBack(index)
    end(index)
    forward(caller, to: destination(unit: unit, own: lane))
    return true
  }

  // MARK: - The gate of a LUN's writes

  /// Lets a write in, to be ended by `endWriting`; false when it was handed to the reactor that
  /// orders this LUN's writes, or waits for one that has no session for it any more, or for a write
  /// that was given up, on whichever reactor, and that it must not overtake.
  ///
  /// Who waits here orders nobody: no other write of the LUN is held up with it.
  mutating func admitWrite(
    _ caller: Caller, unit: Int, _ blocks: BlockRange, isAligned: Bool
  ) -> Bool {
    if let entry = caller.entry, lanes.count > 1,
      sharedUnits.mustWait(unit, blocks, lane: lane)
    {
      hold(entry: entry, for: caller, unit: unit)
      return false
    }
    var admission = enterGate(unit, isAligned: isAligned)
    if case .belongs(let other) = admission, !units[unit].isServed(by: other) {
      sharedUnits.awaitRelease(lane: lane)
      admission = enterGate(unit, isAligned: isAligned)
    }
    guard case .belongs(let other) = admission else { return true }
    if let entry = caller.entry, !units[unit].isServed(by: other) {
      // That one would hand it back as long as it rewrites.
      hold(entry: entry, for: caller, unit: unit)
    } else {
      forward(caller, to: other)
    }
    return false
  }

  private func enterGate(_ unit: Int, isAligned: Bool) -> SharedUnits.Admission {
    isAligned
      ? sharedUnits.beginWrite(unit, lane: lane) : sharedUnits.beginRewriting(unit, lane: lane)
  }

  /// Begins a request that holds its range, once nobody else writes what it rewrites.
  mutating func beginGranted(_ index: Int) {
    guard slots[index].isRewrite,
      !sharedUnits.isQuiet(Int(slots[index].unit), slots[index].blocks, for: lane)
    else { return beginLocked(index) }
    slots[index].stage = .quiet
    waitByTimeouts(index, unit: Int(slots[index].unit))
    rewritesWaiting += 1
  }

  /// Begins the rewrites that waited for other reactors' writes.
  mutating func beginQuietRewrites() {
    for index in 0..<slots.requestCount where slots[index].stage == .quiet {
      guard sharedUnits.isQuiet(Int(slots[index].unit), slots[index].blocks, for: lane) else {
        continue
      }
      slots[index].stage = .idle
      rewritesWaiting -= 1
      beginLocked(index)
    }
  }

  private mutating func beginLocked(_ index: Int) {
    switch slots[index].kind {
    case .clear:
      slots[index].position = sharedUnits.position(Int(slots[index].unit))
      clearNext(index)
    case .synchronize: readBlocks(index)
    default: beginFill(index)
    }
  }

  /// A write is given up, or waits for a lost session, and may run still: no later one of its
  /// blocks overtakes it, on whichever reactor, and no other is held up for it.
  mutating func keepRange(_ index: Int) {
    locks.keep(owner: UInt16(index))
    let isWrite = slots[index].kind == .write || slots[index].kind == .clear
    guard lanes.count > 1, isWrite, !slots[index].isKept else { return }
    slots[index].isKept = true
    sharedUnits.kept.keep(
      slots[index].blocks, unit: Int(slots[index].unit), lane: lane, slot: index)
    endWriting(index)
  }

  /// A write that was given up has ended.
  mutating func endKeeping(_ index: Int) {
    guard slots[index].isKept else { return }
    slots[index].isKept = false
    if slots[index].leavesUnknown { tellContentsUnknown(unit: slots[index].unit) }
    endKeeping(unit: Int(slots[index].unit), slot: index)
  }

  /// Blocks that were kept are free.
  func endKeeping(unit: Int, slot: Int) {
    guard lanes.count > 1 else { return }
    if let rewriter = sharedUnits.endKeeping(unit, lane: lane, slot: slot) {
      port.lane(rewriter).wakeup.signal()
    }
    wakeWaiting()
  }

  /// Has the reactors look whose requests wait for what has just ended.
  private func wakeWaiting() {
    var rest = sharedUnits.takeWaiting()
    while rest != 0 {
      port.lane(rest.trailingZeroBitCount).wakeup.signal()
      rest &= rest - 1
    }
  }

  /// What blocks of a unit hold is not known: the kernel believes its pages where it was told of an
  /// error.
  func tellContentsUnknown(unit: UInt16) {
    port.tell(
      .contentsUnknown(
        LogicalUnitHandle(index: unit, generation: units[Int(unit)].generation)))
  }

  /// A write has ended: gives up its place at the gate.
  mutating func endWriting(_ index: Int) {
    guard slots[index].isCounted else { return }
    slots[index].isCounted = false
    let unit = Int(slots[index].unit)
    guard slots[index].isRewrite else {
      if let other = sharedUnits.endWrite(unit, lane: lane) { port.lane(other).wakeup.signal() }
      return
    }
    if slots[index].leavesUnknown { tellContentsUnknown(unit: slots[index].unit) }
    units[unit].rewriteCount -= 1
    guard units[unit].rewriteCount == 0, lanes.count > 1 else { return }
    sharedUnits.endRewriting(unit, lane: lane)
    wakeWaiting()
  }
}
