import ISCSI

/// What people are shown of a session at work: its PDUs and its tasks.
extension Reactor {
  /// A PDU has come: whole, in `byteCount` bytes at `start`, or without all of its payload yet.
  mutating func observe(
    received opcode: Opcode, at start: UnsafeMutableRawPointer, byteCount: Int, session index: Int
  ) {
    sessions[index].observer.counts[opcode] += 1
  }

  /// Every command of a session that waits to be sent or to be answered, the oldest first;
  /// nil when the handle names none.
  func outstandingTasks(_ handle: SessionHandle) -> [OutstandingTask]? {
    guard let index = find(handle) else { return nil }
    var tasks: [OutstandingTask] = []
    for slot in 0..<slots.count where slots[slot].kind != .free && slots[slot].kind != .cold {
      guard slots[slot].session == UInt16(index), !slots[slot].isOver else { continue }
      let state: OutstandingTask.State
      switch slots[slot].stage {
      case .queued: state = .queued
      case .inFlight: state = slots[slot].isAnswered ? .abandoned : .sent
      case .idle, .range, .quiet, .delayed: continue
      }
      var shown = slots[slot]
      // Sending gives it the next generation.
      if state == .queued { shown.generation &+= 1 }
      tasks.append(
        OutstandingTask(
          tag: shown.tag(index: slot), lun: shown.lun, cdb: shown.cdb,
          byteCount: shown.transfer.expectedLength,
          ageMilliseconds: (now &- shown.startedAt) / Interval.millisecond, state: state))
    }
    return tasks.sorted { $0.ageMilliseconds > $1.ageMilliseconds }
  }
}
