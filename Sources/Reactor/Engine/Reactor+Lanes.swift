import FUSE
import LinuxIO

/// Several reactors on one mount: requests go to the one that can serve them.
///
/// A request comes on the queue of its caller's processor. It is served where it came unless this
/// reactor has no session for the LUN, or another one rewrites parts of the LUN's blocks and has to
/// order all its writes. Then the ring entry is handed over, memory and all, and committed there;
/// an entry that has wandered goes back to its own reactor with the next request it can serve.
extension Reactor {
  /// Takes entries other reactors have handed over.
  mutating func takeForwarded() {
    keepsEntries = true
    while let entry = ringExchange?.nextForwarded(lane: lane) { take(entry: entry) }
    keepsEntries = false
  }

  /// Hands a request on a LUN to another reactor where that one has to serve it; true when done.
  mutating func forward(_ caller: Caller, unit: Int) -> Bool {
    guard lanes.count > 1, let entry = caller.entry, let ringMemory else { return false }
    let own = lanes.lane(of: ringMemory.queue(of: entry))
    let isServedByOwn = units[unit].isServed(by: own)
    if units[unit].isServed(by: lane),
      keepsEntries || own == lane || !isServedByOwn || units[unit].rewriteCount > 0
    {
      return false
    }
    let destination = isServedByOwn ? own : Int(units[unit].homeLane)
    guard destination != lane else { return false }
    forward(caller, to: destination)
    return true
  }

  /// Hands a request to another reactor.
  mutating func forward(_ caller: Caller, to lane: Int) {
    guard let entry = caller.entry, let ringExchange else {
      preconditionFailure("with several reactors requests come through rings")
    }
    ringExchange.forward(entry, to: lane)
  }

  // MARK: - The gate of a LUN's writes

  /// Lets a write in, to be ended by `endWriting`; false when it was handed to the reactor that
  /// orders this LUN's writes, or waits for one that has no session for it any more.
  mutating func admitWrite(_ caller: Caller, unit: Int, isAligned: Bool) -> Bool {
    let admission =
      isAligned
      ? sharedUnits.beginWrite(unit, lane: lane) : sharedUnits.beginRewriting(unit, lane: lane)
    guard case .belongs(let other) = admission else { return true }
    if let entry = caller.entry, !units[unit].isServed(by: other) {
      // That one would hand it back as long as it rewrites.
      waitingEntries.append(UInt16(entry))
    } else {
      forward(caller, to: other)
    }
    return false
  }

  /// Begins a write that holds its range, once nobody else writes what it rewrites.
  mutating func beginGranted(_ index: Int) {
    guard slots[index].isRewrite,
      !sharedUnits.isQuiet(Int(slots[index].unit), for: lane)
    else { return beginFill(index) }
    slots[index].stage = .quiet
    rewritesWaiting += 1
  }

  /// Begins the rewrites that waited for other reactors' writes.
  mutating func beginQuietRewrites() {
    for index in 0..<slots.requestCount where slots[index].stage == .quiet {
      guard sharedUnits.isQuiet(Int(slots[index].unit), for: lane) else { continue }
      slots[index].stage = .idle
      rewritesWaiting -= 1
      beginFill(index)
    }
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
    units[unit].rewriteCount -= 1
    if units[unit].rewriteCount == 0 { sharedUnits.endRewriting(unit, lane: lane) }
  }
}
