import FUSE
import LinuxIO
import SystemPackage

/// Requests in entries of a ring that found no room, or whose writes wait for others: they wait in
/// the order they came.
extension Reactor {
  /// Lets an entry wait behind the others; it was taken up in vain.
  mutating func postpone(entry: Int) {
    waitingEntries.append(UInt16(entry))
    nextTick = min(nextTick, now &+ Interval.interrupt)
  }

  /// Lets a write in an entry wait for another, no longer than any request may.
  ///
  /// The end of what it waits for wakes this reactor (`SharedUnits.awaitRelease`); it looks at its
  /// signals' time too, for what nobody tells: a path or a time that is over.
  mutating func hold(entry: Int, for caller: Caller, unit: Int) {
    if isPathless(unit: unit), !isServedElsewhere(unit) {
      return answer(caller, error: .noLink)
    }
    if isOverdue(entry: entry, unit: unit) {
      tellHeldUp(unit: unit)
      return answer(caller, error: .ioError)
    }
    waitingEntries.append(UInt16(entry))
    entryIsHeld[entry] = true
    heldCount += 1
    nextTick = min(nextTick, now &+ Interval.signals)
  }

  /// How long a request waits that waits for no session; nil: as long as its caller wants.
  private func patience(unit: Int) -> UInt64? {
    var limit: UInt64? = 120_000
    for position in 0..<Int(units[unit].sessionCount) {
      guard let session = find(units[unit].sessions[position]) else { continue }
      limit = sessions[session].timeouts.replacementMilliseconds
      break
    }
    return limit.map { max($0 &* Interval.millisecond, units[unit].commandTime) }
  }

  /// Whether a request has been here for longer than one may wait that waits for no session.
  func isOverdue(entry: Int, unit: Int) -> Bool {
    patience(unit: unit).map { now >= entryArrivedAt[entry] &+ $0 } ?? false
  }

  /// From when a request's wait counts: its arrival, but a path that is there is given the time of
  /// one command.
  func beginning(of caller: Caller, unit: Int) -> UInt64 {
    guard keepsEntries, let entry = caller.entry else { return now }
    guard let patience = patience(unit: unit) else { return now }
    return max(entryArrivedAt[entry], now - min(now, patience - units[unit].commandTime))
  }

  /// The waiting entry that is next, which waits no more.
  private mutating func nextWaitingEntry() -> UInt16? {
    guard let entry = waitingEntries.popFirst() else { return nil }
    if entryIsHeld[Int(entry)] {
      entryIsHeld[Int(entry)] = false
      heldCount -= 1
    }
    return entry
  }

  /// Takes up entries that found no room, and those whose writes may have waited long enough.
  mutating func takeWaitingEntries() {
    let looks = looksAtHeld
    looksAtHeld = false
    guard looks || waitingEntries.count > heldCount else { return }
    keepsEntries = true
    defer { keepsEntries = false }
    for _ in 0..<waitingEntries.count {
      guard slots.nextFreeForEntry != nil, let first = waitingEntries.peek else {
        looksAtHeld = looks
        return
      }
      if !looks, entryIsHeld[Int(first)] {
        _ = waitingEntries.popFirst()
        waitingEntries.append(first)
      } else if let entry = nextWaitingEntry() {
        take(entry: Int(entry))
      }
    }
  }

  /// Answers EINTR for those who have waited longer than a healthy path ever takes and want their
  /// calls over: an interrupt finds only requests that have begun, and what these wait for may
  /// never come.
  mutating func endWaitingEntries() {
    guard !waitingEntries.isEmpty, let ringMemory else { return }
    // Ticks come more often than that where commands wait to be sent again.
    guard now >= waitingSignalsAt else {
      nextTick = min(nextTick, waitingSignalsAt)
      return
    }
    waitingSignalsAt = now &+ Interval.signals
    looksAtHeld = true
    for _ in 0..<waitingEntries.count {
      guard let entry = waitingEntries.peek else { return }
      if now >= entryArrivedAt[Int(entry)] &+ Interval.interrupt,
        let header = ringMemory.request(in: Int(entry)), callerIsLeaving(header)
      {
        _ = nextWaitingEntry()
        answer(Caller(header, entry: Int(entry)), error: .interrupted)
      } else {
        _ = waitingEntries.popFirst()
        waitingEntries.append(entry)
      }
    }
    if !waitingEntries.isEmpty { nextTick = min(nextTick, waitingSignalsAt) }
  }

  /// Whether the signals of a caller whose request has not begun ask for its end; of one that
  /// cannot be seen, whether it was interrupted.
  private mutating func callerIsLeaving(_ header: RequestHeader) -> Bool {
    guard earlyInterrupts.contains(header.unique) else {
      return PendingSignals(ofThread: header.pid)?.endsCall ?? false
    }
    guard PendingSignals.endCall(ofThread: header.pid) else { return false }
    _ = earlyInterrupts.take(header.unique)
    return true
  }
}
