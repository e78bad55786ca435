import ISCSI
import LinuxIO
import SystemPackage

/// What time brings: interrupts, retries, pings, deadlines.
extension Reactor {
  /// Looks at everything that may be due and says when to look again.
  mutating func tick() {
    nextTick = .max
    for index in 0..<sessions.count where sessions[index].state != .free {
      tick(session: index)
    }
    for index in 0..<connections.count where connections[index].isConnected {
      tick(connection: index)
    }
    for index in 0..<sessions.count where sessions[index].recovering != 0 {
      proceedRecoveries(session: index)
    }
    tickManagements()
    if hasThrottledUnits { recoverDepths() }
    endWaitingEntries()
    guard slots.busyCount > 0 else { return }
    for index in 0..<slots.count where slots[index].kind != .free && !slots[index].isOver {
      tick(slot: index)
    }
    nextTick = min(
      nextTick, now &+ (delayedCount > 0 ? Interval.shortTick : Interval.tick))
  }

  private mutating func tick(slot index: Int) {
    if slots[index].stage == .inFlight {
      if connections[Int(slots[index].connection)].recovers { resendIfLost(index) }
      if endsHole(index) { return }
    }
    if slots[index].kind == .control { return tick(control: index) }
    if !slots[index].isAnswered, endsWithItsCaller(index) { return }
    let session = Int(slots[index].session)
    switch slots[index].stage {
    case .delayed where now >= slots[index].retryAt:
      delayedCount -= 1
      switch slots[index].step {
      case .settle: goOnSettling(index)
      case .readBack where !slots[index].holdsRange: goOnReadingBack(index)
      default: again(index)
      }
    case .queued where isOverdue(index) && !slots[index].isAnswered,
      .throttled where isOverdue(index):
      // Without a path, or with one that is held again and again, as long as the caller wants. The
      // target that answers pings and opens no window is not what the caller meant.
      if sessions[session].isServing {
        giveUpUnanswered(index)
      } else if sessions[session].timeouts.replacementMilliseconds != nil {
        giveUp(index, error: .noLink)
      }
    case .stranded where isOverdue(index):
      if sessions[session].timeouts.replacementMilliseconds != nil {
        giveUp(index, error: .noLink)
      }
    case .inFlight:
      if isOverdue(index) { giveUpUnanswered(index) }
      // Pings are answered, this command is not.
      let due = slots[index].sentAt &+ units[Int(slots[index].unit)].commandTime
      if now >= due || slots[index].isSuspect { escalate(index) }
    case .range where isPathless(unit: Int(slots[index].unit)),
      .quiet where isPathless(unit: Int(slots[index].unit)):
      giveUp(index, error: .noLink)
    case .range where isOverdue(index), .quiet where isOverdue(index):
      if sessions[session].timeouts.replacementMilliseconds != nil {
        giveUpUnanswered(index)
      }
    default: break
    }
  }

  /// Answers a request whose caller is to end, or to return at least; true when it did.
  ///
  /// Who waits for requests it has only submitted (io_submit(2)) sends no interrupt, and cannot die
  /// before all of them are answered: after the time of a healthy path its signals are looked at.
  private mutating func endsWithItsCaller(_ index: Int) -> Bool {
    let mayBeAsked = slots[index].isInterrupted || slots[index].hasWaited || isFUSEPaused
    let earliest = mayBeAsked ? interruptDue(index) : slots[index].startedAt &+ Interval.interrupt
    var due = max(earliest, slots[index].signalsAt)
    if now >= due {
      if mayBeAsked ? callerIsLeaving(index) : callerIsKilled(index) {
        giveUp(index, error: .interrupted)
        return true
      }
      due = now &+ (mayBeAsked ? Interval.signals : Interval.interrupt)
      slots[index].signalsAt = due
    }
    nextTick = min(nextTick, due)
    return false
  }

  /// Whether a request's caller has been killed. Only that: what else waits for its thread it may
  /// take while the request goes on.
  private func callerIsKilled(_ index: Int) -> Bool {
    PendingSignals.isKilled(thread: slots[index].caller.thread)
  }

  /// Whether the signals of a request's caller ask for its end. With every slot taken nothing is
  /// read from the kernel, so no interrupt either, and of those that came before their request has
  /// a slot only the last are kept: then they are looked at without one.
  private func callerIsLeaving(_ index: Int) -> Bool {
    let thread = slots[index].caller.thread
    return slots[index].isInterrupted
      ? PendingSignals.endCall(ofThread: thread)
      : PendingSignals(ofThread: thread)?.endsCall ?? false
  }

  /// When an interrupted request is answered: not before it has waited longer than a healthy path
  /// ever takes, unless its path is known not to be healthy. Who waits for a lock in the kernel
  /// sends a request when the one before is answered: they must not take a second each.
  func interruptDue(_ index: Int) -> UInt64 {
    let session = Int(slots[index].session)
    let isAway =
      sessions[session].state == .lost
      && now >= sessions[session].changedAt &+ Interval.interrupt
    switch slots[index].stage {
    case .range, .quiet, .throttled, .queued, .inFlight, .stranded:
      if isAway || owesAnswer(session: session) { return now }
    case .idle, .delayed: break
    }
    return slots[index].startedAt &+ Interval.interrupt
  }

  /// True when a command was sent long ago on the session and nothing at all has come since on its
  /// connection.
  private func owesAnswer(session: Int) -> Bool {
    owedSince(session: session).map { now >= $0 &+ Interval.interrupt } ?? false
  }

  /// A control task's deadline: who waits is told, the slot stays while the target has the task.
  private mutating func tick(control index: Int) {
    guard now >= slots[index].retryAt else {
      nextTick = min(nextTick, slots[index].retryAt)
      return
    }
    let session = Int(slots[index].session)
    if slots[index].stage == .queued {
      sessions[session].pendingControls.remove(UInt16(index))
      return finishControl(index, .timedOut)
    }
    resumeControl(index, .failure(.timedOut))
    guard slots[index].stage == .inFlight else { return }
    if now >= slots[index].retryAt &+ Interval.command { escalate(index) }
  }

  private mutating func tick(session index: Int) {
    let timeouts = sessions[index].timeouts
    switch sessions[index].state {
    case .free, .up: return
    case .lost:
      moveAround(session: index)
      guard let limit = timeouts.replacementMilliseconds else { return }
      let deadline = sessions[index].owedSince &+ limit &* Interval.millisecond
      if now >= deadline {
        // Nobody waits any more for tasks that are still at the target.
        if sessions[index].recovering != 0 { abandonRecovery(session: index) }
        expirePending(session: index)
      } else {
        nextTick = min(nextTick, deadline)
      }
    case .loggingOut:
      let deadline =
        sessions[index].changedAt &+ timeouts.logoutMilliseconds &* Interval.millisecond
      if now >= deadline {
        lose(session: index, .requestedByTarget(time2WaitSeconds: 0))
      } else {
        nextTick = min(nextTick, deadline)
      }
    }
  }

  private mutating func tick(connection index: Int) {
    tickClosing(connection: index)
    guard connections[index].state == .up else { return }
    guard !endsTrickle(connection: index) else { return }
    tickText(connection: index)
    tickRecovery(connection: index)
    if connections[index].state == .up { ping(connection: index) }
  }

  /// Gives up a target that keeps a PDU under way for ever; true when it did.
  ///
  /// Its bytes count as signs of life, so that no ping would end it.
  private mutating func endsTrickle(connection index: Int) -> Bool {
    guard connections[index].isAmidUnit else { return false }
    if usesRing { receiveUrgent(connection: index) }
    guard connections[index].isConnected else { return true }
    let deadline = connections[index].unitBeganAt &+ Interval.wholePDU
    guard now >= deadline else {
      nextTick = min(nextTick, deadline)
      return false
    }
    lose(connection: index, .unitTimedOut)
    return true
  }

  /// Looks for what lies behind urgent data: a receive ends before them, and a ring, to which every
  /// arrival is urgent, does not tell. Who has found some looks to the end from then on.
  private mutating func receiveUrgent(connection index: Int) {
    guard !connections[index].receivesToTheEnd else { return }
    let before = connections[index].statistics.receivedBytes
    receive(connection: index)
    guard connections[index].isConnected else { return }
    if connections[index].statistics.receivedBytes > before {
      connections[index].receivesToTheEnd = true
      connectionsToReceive |= 1 << UInt64(index)
    } else {
      nextTick = min(nextTick, now &+ Interval.shortTick)
    }
  }

  /// Asks a silent target whether it is there, and gives it up when it does not answer.
  ///
  /// Anything received counts as a sign of life, not only the answer. A connection that is nearly
  /// due is asked with one that is: of many idle ones some eight groups come to be, each of them a
  /// wake, and no target's answer comes with all others'.
  private mutating func ping(connection index: Int) {
    let heard = connections[index].receivedAt
    let timeouts = timeouts(of: index)
    tickPingers(connection: index)
    if connections[index].pingedAt > 0 {
      let deadline =
        max(connections[index].pingedAt, heard)
        &+ timeouts.pingTimeoutMilliseconds &* Interval.millisecond
      guard now >= deadline else {
        nextTick = min(nextTick, deadline)
        return
      }
      return lose(connection: index, .pingTimedOut)
    }
    guard timeouts.pingIntervalMilliseconds > 0 else { return }
    let interval = timeouts.pingIntervalMilliseconds &* Interval.millisecond
    let due = heard &+ interval
    guard now &+ interval / Interval.pingGroups >= due, connections[index].transmit.freeCount > 0
    else {
      nextTick = min(nextTick, max(due, now &+ Interval.tick))
      return
    }
    sendPing(connection: index)
  }

  /// Tells who waits for an answer that a target owes while it sends other things.
  private mutating func tickPingers(connection index: Int) {
    guard !connections[index].pingers.isEmpty else { return }
    let timeout = timeouts(of: index).pingTimeoutMilliseconds &* Interval.millisecond
    let deadline = connections[index].pingedAt &+ timeout
    if now >= deadline, connections[index].receivedAt > connections[index].pingedAt {
      connections[index].endPingers(.timedOut)
    } else {
      nextTick = min(nextTick, deadline)
    }
  }

  /// Queues a NOP-Out, whose answer has its own time.
  private mutating func sendPing(connection index: Int) {
    let ping = NOPOut(
      initiatorTaskTag: Tag.ping,
      cmdSN: window(of: index).cmdSN, expStatSN: connections[index].machine.expStatSN)
    unsafe connections[index].transmit.append(
      ping.header, parameters: connections[index].machine.parameters)
    connections[index].pingedAt = now
    connectionsToPump |= 1 << UInt64(index)
    let timeout = timeouts(of: index).pingTimeoutMilliseconds &* Interval.millisecond
    nextTick = min(nextTick, now &+ timeout)
  }

  /// Asks for somebody who waits; an answer that is awaited already serves them too.
  mutating func ping(
    _ handle: SessionHandle, _ continuation: CheckedContinuation<PingOutcome, Never>
  ) {
    guard let session = find(handle), sessions[session].isUp,
      let index = primaryConnection(of: session), connections[index].state == .up
    else {
      return continuation.resume(returning: .notConnected)
    }
    guard connections[index].pingers.count < Connection.pingerLimit,
      connections[index].pingedAt > 0 || connections[index].transmit.freeCount > 0
    else { return continuation.resume(returning: .busy) }
    connections[index].pingers.append(continuation)
    if connections[index].pingedAt == 0 { sendPing(connection: index) }
  }
}
