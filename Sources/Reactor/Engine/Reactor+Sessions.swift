import ISCSI
import LinuxIO
import LogicalUnit
import SystemPackage
import Wire

/// Sessions: started, lost, resumed, logged out.
extension Reactor {
  /// The session's index, nil when the handle is of an earlier tenant or none.
  func find(_ handle: SessionHandle) -> Int? {
    let index = lanes.place(of: Int(handle.index))
    guard lanes.lane(of: Int(handle.index)) == lane, index < sessions.count,
      sessions[index].state != .free,
      sessions[index].generation == handle.generation
    else { return nil }
    return index
  }

  /// The name of the session at an index of this reactor's table.
  func handle(of index: Int) -> SessionHandle {
    SessionHandle(
      index: UInt16(lanes.number(place: index, lane: lane)),
      generation: sessions[index].generation)
  }

  /// Takes over a logged-in connection, for a new session or one that was lost.
  mutating func start(_ handle: SessionHandle, _ handover: consuming ConnectionHandover) {
    let index = lanes.place(of: Int(handle.index))
    precondition(
      lanes.lane(of: Int(handle.index)) == lane && index < sessions.count,
      "the control plane gives out places the reactor has")
    let isNew = sessions[index].state == .free
    guard
      isNew
        || (sessions[index].generation == handle.generation
          && sessions[index].state == .lost)
    else { return }
    if isNew {
      sessions[index].changedAt = now
      connections[index].statistics = SessionStatistics()
      connections[index].observer = PDUObserver()
    }
    if sessions[index].recovering != 0 { abandonRecovery(session: index) }
    sessions[index].generation = handle.generation
    sessions[index].timeouts = handover.timeouts
    sessions[index].window = CommandWindow(
      cmdSN: handover.cmdSN, expCmdSN: handover.expCmdSN, maxCmdSN: handover.maxCmdSN)
    sessions[index].state = .up
    sessions[index].isHeld = handover.isHeld
    if isNew || !handover.isHeld { noteReturn(session: index) }
    if !handover.isHeld { doubtWrites(before: index) }
    if !isNew { endBarriers(session: index) }
    noteServing(session: index)
    connect(index, to: index, handover)
  }

  /// Lets a held session's LUN commands go, in the order they wait in.
  mutating func resume(session index: Int) {
    guard sessions[index].isUp else { return }
    sessions[index].isHeld = false
    noteReturn(session: index)
    doubtWrites(before: index)
    noteServing(session: index)
    connectionsToPump |= sessions[index].connections
  }

  /// The session carries LUNs' commands again: those that have waited for it as long as it took,
  /// and were to, are given the time of any other from now on.
  mutating func noteReturn(session index: Int) {
    sessions[index].owedSince = 0
    guard sessions[index].timeouts.replacementMilliseconds == nil else { return }
    for slot in 0..<slots.requestCount
    where slots[slot].kind != .free && slots[slot].session == UInt16(index) {
      slots[slot].progressedAt = now
    }
  }

  /// The session is lost, with all its connections: parks its tasks in their first order and tells
  /// the control plane.
  ///
  /// - Parameter isLoggedOut: the target has answered the Logout it had asked for.
  mutating func lose(
    session index: Int, _ failure: SessionFailure, isLoggedOut: Bool = false
  ) {
    guard sessions[index].isConnected else { return }
    connections[index].statistics.note(failure)
    if sessions[index].logout != nil { return release(session: index) }
    let silence = noteLoss(session: index)
    disconnect(session: index, isLoggedOut: isLoggedOut)
    sessions[index].state = .lost
    noteServing(session: index)
    doubtUnflushed(session: index)
    park(session: index)
    moveAround(session: index)
    port.tell(
      .sessionLost(handle(of: index), failure, silentMilliseconds: silence))
    nextTick = min(nextTick, now)
  }

  /// Notes when the session is lost, and since when its tasks have been waiting for a target that
  /// says nothing; returns how long that was, in milliseconds.
  ///
  /// One that is lost again before it was back has been away since it was lost first: that is what
  /// people are told, and what the control plane counts by.
  mutating func noteLoss(session index: Int) -> UInt64 {
    sessions[index].changedAt = now
    if sessions[index].owedSince == 0 {
      var since = owedSince(session: index) ?? now
      if let limit = sessions[index].timeouts.replacementMilliseconds {
        // Half of it is for the way back, however long it took to find out.
        since = max(since, now - min(now, limit &* Interval.millisecond / 2))
      }
      sessions[index].owedSince = since
    }
    return (now &- sessions[index].owedSince) / Interval.millisecond
  }

  /// When the first of the session's commands was sent since which nothing at all has come on its
  /// connection; nil where the target owes no answer.
  func owedSince(session index: Int) -> UInt64? {
    var first: UInt64?
    for slot in 0..<slots.count
    where slots[slot].stage == .inFlight && Int(slots[slot].session) == index
      && slots[slot].sentAt >= connections[Int(slots[slot].connection)].receivedAt
    {
      first = min(first ?? .max, slots[slot].sentAt)
    }
    return first
  }

  /// A target that is not there may have lost its power, and with it what a volatile cache held:
  /// the next fsync of such a unit finds out. What an earlier daemon wrote nobody knows: an fsync
  /// that waits for it tells an error.
  func doubtUnflushed(session index: Int) {
    let lost = handle(of: index)
    for unit in 0..<units.count
    where units[unit].state != .free && units[unit].isReached(by: lost) {
      doubt(unit: unit, besides: UInt16(index))
      guard units[unit].hasVolatileCache, !sharedUnits.isFlushed(unit) else { continue }
      for slot in 0..<slots.requestCount
      where slots[slot].kind == .synchronize && Int(slots[slot].unit) == unit
        && !slots[slot].isUnasked
      {
        slots[slot].tellsLoss = true
      }
    }
  }

  /// A new nexus proves nothing of the time before it: the target may have lost its power while the
  /// session was away, and with it what others brought whose ends nobody has heard of yet. No flush
  /// over this one is believed for that.
  private func doubtWrites(before index: Int) {
    let session = handle(of: index)
    for unit in 0..<units.count
    where units[unit].state != .free && units[unit].sessionCount > 1
      && units[unit].isReached(by: session)
    {
      doubt(unit: unit, besides: UInt16(index))
    }
  }

  /// Something may have cost a unit what its volatile cache held, of writes also whose answers are
  /// under way.
  ///
  /// - Parameter session: the one that is lost, whose writes are sent again.
  func doubt(unit: Int, besides session: UInt16? = nil) {
    guard units[unit].hasVolatileCache,
      sharedUnits.hasUnflushed(unit) || hasWriteAtTarget(unit, besides: session)
    else { return }
    sharedUnits.doubt(unit)
  }

  /// Puts tasks that were in flight back before those that wait, in the order of their CmdSN.
  mutating func park(session index: Int) {
    endManagements(session: index)
    endRecoveries(session: index)
    while let slot = sessions[index].pendingControls.popFirst() {
      finishControl(Int(slot), .sessionLost)
    }
    while let slot = latestInFlight(session: index) {
      slots[slot].putBack()
      if slots[slot].kind == .control {
        finish(slot, error: .noLink)
        continue
      }
      let isLate =
        !slots[slot].isAnswered && sessions[index].timeouts.replacementMilliseconds != nil
        && isOverdue(slot)
      let isBarrier = isBarrier(slot)
      // Of several reactors none waits for more than its blocks.
      if isBarrier, isLate || slots[slot].isAnswered || lanes.count > 1 { keepRange(slot) }
      if isLate {
        answer(slot: slot, error: .noLink)
        slots[slot].isAnswered = true
      }
      if slots[slot].isAnswered, !isBarrier {
        // Nobody waits for it any more, and the target forgets it with the session.
        end(slot)
      } else if slots[slot].isAnswered, leaveBlocks(of: slot) {
        continue
      } else if slots[slot].isAnswered, units[Int(slots[slot].unit)].state == .withdrawn {
        // A LUN that has gone waits for no login.
        end(slot)
      } else {
        slots[slot].mayStillRun = true
        sessions[index].pending.prepend(UInt16(slot))
      }
    }
    stopHearing(session: index)
  }

  /// Whether a write nobody waits for any more keeps its range until the old nexus is dead: another
  /// session could overtake it there, or one that joins meanwhile.
  ///
  /// One that was reading the blocks at its edges, asking which blocks are there, or flushing, has
  /// nothing there that writes.
  func isBarrier(_ slot: Int) -> Bool {
    (slots[slot].kind == .write || slots[slot].kind == .clear) && slots[slot].step == .transfer
      && slots[slot].holdsRange
  }

  /// The old nexus is dead: ends the writes that only kept their ranges, and has the others wait
  /// for a place in their units' queues as all do.
  private mutating func endBarriers(session index: Int) {
    releaseBlocks(session: index)
    for slot in 0..<slots.requestCount
    where slots[slot].stage == .queued && slots[slot].kind != .free
      && slots[slot].session == UInt16(index)
    {
      slots[slot].mayStillRun = false
      guard slots[slot].isAnswered else { continue }
      sessions[index].pending.remove(UInt16(slot))
      end(slot)
    }
    for _ in 0..<sessions[index].pending.count {
      guard let next = sessions[index].pending.popFirst() else { return }
      if slots[Int(next)].place == .taken {
        sessions[index].pending.append(next)
      } else {
        enqueue(Int(next))
      }
    }
  }

  /// The slot with the last CmdSN of those at the session's target, or, before a number, in flight
  /// on one of its connections.
  func latestInFlight(
    session index: Int, connection: Int? = nil, before end: SerialNumber? = nil
  ) -> Int? {
    var latest: Int?
    for slot in 0..<slots.count
    where slots[slot].kind != .free && slots[slot].isAtTarget
      && slots[slot].session == UInt16(index)
      && connection.map({
        slots[slot].connection == UInt16($0) && slots[slot].stage == .inFlight
      }) ?? true
    {
      if let other = latest, slots[slot].cmdSN.precedes(slots[other].cmdSN) { continue }
      if let end, !slots[slot].cmdSN.precedes(end) { continue }
      latest = slot
    }
    return latest
  }

  /// True when the session has been lost for longer than its tasks may wait.
  func isExpired(session index: Int) -> Bool {
    guard sessions[index].state == .lost,
      let limit = sessions[index].timeouts.replacementMilliseconds
    else { return false }
    return now >= sessions[index].owedSince &+ limit &* Interval.millisecond
  }

  /// Fails every task that waits on a session which has been lost for too long; what may still run
  /// at its target keeps its blocks, without a slot where there is room.
  mutating func expirePending(session index: Int) {
    for _ in 0..<sessions[index].pending.count {
      guard let next = sessions[index].pending.popFirst() else { return }
      let slot = Int(next)
      guard slots[slot].mayStillRun, isBarrier(slot) else {
        finish(slot, error: .noLink)
        continue
      }
      // With room for its blocks it leaves the queue at once.
      sessions[index].pending.append(next)
      giveUp(slot, error: .noLink)
    }
  }

  /// Fails every task that waits on a session which is forgotten.
  mutating func failPending(session index: Int, error: Errno) {
    releaseBlocks(session: index)
    while let slot = sessions[index].pending.popFirst() {
      finish(Int(slot), error: error)
    }
  }

  /// Sends a Logout Request that closes the session; commands still there stay unanswered by it.
  mutating func requestLogout(session index: Int) {
    guard sessions[index].state == .up else { return }
    guard let connection = primaryConnection(of: index),
      connections[connection].state == .up, connections[connection].transmit.freeCount > 0
    else { return lose(session: index, .requestedByTarget(time2WaitSeconds: 0)) }
    queueLogout(.closeSession, connection: connection)
    sessions[index].state = .loggingOut
    noteServing(session: index)
    sessions[index].changedAt = now
    nextTick = min(nextTick, now &+ Interval.tick)
  }

  /// Forgets a session; what still waits on it goes to another session of its unit, or fails.
  mutating func release(
    session index: Int, error: Errno = .socketNotConnected, end: SessionEnd = .unproven
  ) {
    let wasConnected = sessions[index].isConnected
    if wasConnected { disconnect(session: index, isLoggedOut: end == .proven) }
    sessions[index].state = .free
    noteServing(session: index)
    // What waits on a connection is at no target; of a lost one nobody knows.
    if wasConnected, error == .socketNotConnected { movePending(session: index) }
    park(session: index)
    if end == .proven { movePending(session: index) }
    failPending(session: index, error: error)
    connections[index].observer.tap.take()?.finish()
    sessions[index].logout.take()?.resume(returning: end)
  }

  /// Has every task that waits on the session wait on another of its unit; those without fail.
  mutating func movePending(session index: Int) {
    while let slot = sessions[index].pending.popFirst() {
      if slots[Int(slot)].isAnswered { end(Int(slot)) } else { enqueue(Int(slot)) }
    }
  }

  /// Has what waits on a lost session go over another that carries its unit's commands: all but
  /// writes that may still run at the target, which wait for the proof that they do not, and give
  /// their places in their units' queues to what can go.
  mutating func moveAround(session index: Int) {
    for _ in 0..<sessions[index].pending.count {
      guard let next = sessions[index].pending.popFirst() else { return }
      let slot = Int(next)
      let goes = isServing(Int(slots[slot].unit), on: lane)
      if slots[slot].mayStillRun, isBarrier(slot) {
        sessions[index].pending.append(next)
        if goes { leavePlace(slot) }
      } else if goes {
        enqueue(slot)
      } else if !handOver(slot) {
        sessions[index].pending.append(next)
      }
    }
  }
}
