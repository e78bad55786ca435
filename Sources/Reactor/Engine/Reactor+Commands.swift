import FUSE
import ISCSI
import LinuxIO
import LogicalUnit
import SystemPackage
import Wire

/// What the control plane asks for, taken when it wakes the reactor, or when a request names a LUN
/// file that is not known yet.
extension Reactor {
  mutating func takeCommands() {
    while let command = door.next() {
      switch command {
      case .start(let handle, let box):
        if let handover = box.take() { start(handle, handover) }
      case .join(let handle, let place, let box):
        if let handover = box.take() { join(handle, at: place, handover) }
      case .rejoin(let handle, let box):
        if let handover = box.take() { rejoin(handle, handover) }
      case .closeConnection(let handle, let connectionID, let continuation):
        closeConnection(connectionID, of: handle, continuation)
      case .resume(let handle):
        if let index = find(handle) { resume(session: index) }
      case .execute(let task, let continuation): execute(task, continuation)
      case .manage(let request, let continuation): manage(request, continuation)
      case .expose(let handle, let registration): expose(handle, registration)
      case .withdraw(let handle, let error, let withdrawal):
        withdraw(handle, error, withdrawal)
      case .logout(let handle, let continuation): logout(handle, continuation)
      case .drop(let handle):
        if let index = find(handle) { lose(session: index, .requestedByUser) }
      case .close(let handle, let error, let continuation):
        if let index = find(handle) { release(session: index, error: error) }
        continuation.resume()
      case .ping(let handle, let continuation): ping(handle, continuation)
      case .setTimeouts(let handle, let timeouts):
        guard let index = find(handle) else { continue }
        sessions[index].timeouts = timeouts
        nextTick = now
      case .queueDepth(let handle, let continuation):
        let unit = Int(handle.index)
        continuation.resume(
          returning: knows(handle) ? units[unit].queue.bound(at: now) : nil)
      case .statistics(let handle, let continuation):
        continuation.resume(returning: statistics(handle))
      case .capture(let handle, let stream, let continuation):
        continuation.resume(returning: capture(handle, stream))
      case .tasks(let handle, let continuation):
        continuation.resume(returning: outstandingTasks(handle))
      case .suspect(let suspicion): take(suspicion)
      case .interrupt(let unique):
        if !interrupt(unique) { earlyInterrupts.note(unique) }
      case .registerRing: registerRing()
      case .stop: isRunning = false
      }
    }
  }

  private mutating func expose(_ handle: LogicalUnitHandle, _ registration: LogicalUnitRegistration)
  {
    let index = Int(handle.index)
    precondition(index < units.count, "the control plane gives out places the reactor has")
    if units[index].state == .free || units[index].generation != handle.generation {
      precondition(units[index].busyCount == 0, "a place is given again when it is quiet")
      releaseBlocks(unit: index)
      units[index] = LogicalUnitEntry()
      units[index].generation = handle.generation
      sharedUnits.reset(index, generation: handle.generation, lane: lane)
    } else if units[index].geometry.logicalBlockShift != registration.geometry.logicalBlockShift {
      sharedUnits.forgetUnflushed(index)
    }
    units[index].state = .exposed
    // As one that comes back (`doubtWrites`).
    let hasJoined =
      units[index].sessionCount > 0
      && registration.sessions.contains { find($0) != nil && !units[index].isReached(by: $0) }
    units[index].use(registration.sessions, among: lanes)
    if hasJoined { doubt(unit: index) }
    units[index].lun = registration.lun
    units[index].geometry = registration.geometry
    units[index].isWriteProtected = registration.isWriteProtected
    units[index].supportsForceUnitAccess = registration.supportsForceUnitAccess
    units[index].hasVolatileCache = registration.hasVolatileCache
    units[index].flushesUnasked = registration.hasVolatileCache && registration.flushesUnasked
    units[index].use(registration.provisioning)
    units[index].queue.use(maximum: registration.queueDepth)
    units[index].commandTime = registration.commandSeconds &* Interval.second
    fillPlaces(unit: index)
    units[index].form = registration.supportsSixteenByteCommands ? .sixteen : .tenWhereItFits
  }

  /// Refuses new requests and answers those that wait; who asked is told when none is in flight.
  private mutating func withdraw(
    _ handle: LogicalUnitHandle, _ error: Errno, _ withdrawal: Withdrawal
  ) {
    let unit = Int(handle.index)
    guard unit < units.count, units[unit].state != .free,
      units[unit].generation == handle.generation
    else { return withdrawal.finish() }
    units[unit].state = .withdrawn
    units[unit].error = error.rawValue
    units[unit].withdrawals.append(withdrawal)
    for index in 0..<slots.requestCount
    where slots[index].kind != .free && !slots[index].isOver && slots[index].unit == handle.index {
      giveUp(index, error: error, isUnitGone: true)
    }
    if units[unit].busyCount == 0 { units[unit].finishWithdrawals() }
  }

  /// Answers a caller whose request is not over, and ends it unless the target still has it: what
  /// that may have is not overtaken by a later write.
  ///
  /// - Parameter isUnitGone: nothing of its unit may wait for a login.
  mutating func giveUp(_ index: Int, error: Errno, isUnitGone: Bool = false) {
    switch slots[index].stage {
    case .queued where slots[index].mayStillRun && isBarrier(index):
      if !slots[index].isAnswered {
        slots[index].isAnswered = true
        keepRange(index)
        answer(slot: index, error: error)
      }
      let hasRoom = keptWriteCount < keptWrites.count
      guard isUnitGone || hasRoom else { return }
      sessions[Int(slots[index].session)].pending.remove(UInt16(index))
      if !leaveBlocks(of: index) { end(index) }
    case .queued:
      sessions[Int(slots[index].session)].pending.remove(UInt16(index))
      finish(index, error: error)
    case .delayed:
      delayedCount -= 1
      finish(index, error: error)
    case .range, .throttled: finish(index, error: error)
    case .quiet:
      rewritesWaiting -= 1
      finish(index, error: error)
    case .inFlight, .stranded:
      // The caller is answered, the pages stay until the target is done with them.
      guard !slots[index].isAnswered else { return }
      // Whoever writes there next must not be overtaken by it.
      if slots[index].holdsRange { keepRange(index) }
      slots[index].isAnswered = true
      answer(slot: index, error: error)
    case .idle: break
    }
  }

  private mutating func logout(
    _ handle: SessionHandle, _ continuation: CheckedContinuation<SessionEnd, Never>
  ) {
    guard let index = find(handle) else { return continuation.resume(returning: .unproven) }
    guard sessions[index].state == .up else {
      release(session: index)
      return continuation.resume(returning: .unproven)
    }
    sessions[index].logout = continuation
    requestLogout(session: index)
    movePending(session: index)
  }
}
