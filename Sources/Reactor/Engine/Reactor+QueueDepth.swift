import ISCSI
import SCSI

/// The bound on a unit's commands in flight: who is beyond it waits here, not at the target.
///
/// A request has a place from its first command to its end; while it waits to be sent again it has
/// none. Places are counted apart for each unit, so that a full one holds up no other.
extension Reactor {
  /// Gives a request a place in its unit's queue, or has it wait for one; false when it waits.
  mutating func takePlace(_ index: Int, unit: Int) -> Bool {
    if units[unit].queue.admittedCount >= units[unit].queue.limit {
      if units[unit].queue.isReduced { units[unit].queue.recover(now: now) }
      guard units[unit].queue.admittedCount < units[unit].queue.limit else {
        wait(index, unit: unit)
        return false
      }
    }
    units[unit].queue.admittedCount += 1
    slots[index].place = .taken
    return true
  }

  private mutating func wait(_ index: Int, unit: Int) {
    slots[index].place = .awaited
    slots[index].stage = .throttled
    slots[index].next = QueueDepth.nobody
    waitByTimeouts(index, unit: unit)
    let last = units[unit].queue.last
    if last == QueueDepth.nobody {
      units[unit].queue.first = UInt16(index)
    } else {
      slots[Int(last)].next = UInt16(index)
    }
    units[unit].queue.last = UInt16(index)
  }

  /// Gives up a request's place, or its waiting for one, to who comes next.
  mutating func leavePlace(_ index: Int) {
    vacatePlace(index)
    fillPlaces(unit: Int(slots[index].unit))
  }

  /// The same, and lets nobody go ahead yet: who ends must not be found waiting by those it lets
  /// go.
  mutating func vacatePlace(_ index: Int) {
    let unit = Int(slots[index].unit)
    switch slots[index].place {
    case .none: return
    case .awaited: stopWaiting(index, unit: unit)
    case .taken: units[unit].queue.admittedCount -= 1
    }
    slots[index].place = .none
  }

  /// Lets those that came first go ahead while there are places.
  mutating func fillPlaces(unit: Int) {
    while units[unit].queue.admittedCount < units[unit].queue.limit {
      let index = Int(units[unit].queue.first)
      guard index != Int(QueueDepth.nobody) else { return }
      stopWaiting(index, unit: unit)
      units[unit].queue.admittedCount += 1
      slots[index].place = .taken
      enqueue(index)
    }
  }

  /// Takes a slot out of the list of those that wait.
  private mutating func stopWaiting(_ index: Int, unit: Int) {
    var before = QueueDepth.nobody
    var next = units[unit].queue.first
    while next != UInt16(index) {
      precondition(next != QueueDepth.nobody, "who waits is in the list")
      before = next
      next = slots[Int(next)].next
    }
    if before == QueueDepth.nobody {
      units[unit].queue.first = slots[index].next
    } else {
      slots[Int(before)].next = slots[index].next
    }
    if units[unit].queue.last == UInt16(index) { units[unit].queue.last = before }
  }

  /// The slot's unit had no room for its command.
  mutating func throttle(_ index: Int) {
    units[Int(slots[index].unit)].queue.cut(sentAt: slots[index].sentAt, now: now)
    hasThrottledUnits = true
  }

  /// Gives throttled units back what they have not refused for a while.
  mutating func recoverDepths() {
    hasThrottledUnits = false
    for unit in 0..<units.count where units[unit].queue.isReduced {
      units[unit].queue.recover(now: now)
      hasThrottledUnits = hasThrottledUnits || units[unit].queue.isReduced
      fillPlaces(unit: unit)
    }
  }
}
