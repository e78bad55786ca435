import FUSE
import LinuxIO
import SystemPackage

/// Requests in entries of a ring that found no room: they wait in the order they came.
extension Reactor {
  /// Lets an entry wait behind the others; it was taken up in vain.
  mutating func postpone(entry: Int) {
    waitingEntries.append(UInt16(entry))
    nextTick = min(nextTick, now &+ Interval.interrupt)
  }

  /// Takes up entries that found no room.
  mutating func takeWaitingEntries() {
    keepsEntries = true
    defer { keepsEntries = false }
    for _ in 0..<waitingEntries.count {
      guard slots.nextFreeForEntry != nil, let entry = waitingEntries.popFirst() else { return }
      take(entry: Int(entry))
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
    for _ in 0..<waitingEntries.count {
      guard let entry = waitingEntries.popFirst() else { return }
      if now >= entryArrivedAt[Int(entry)] &+ Interval.interrupt,
        let header = ringMemory.request(in: Int(entry)), callerIsLeaving(header)
      {
        answer(Caller(header, entry: Int(entry)), error: .interrupted)
      } else {
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
