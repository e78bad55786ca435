import ISCSI
import LogicalUnit
import SCSI
import SystemPackage

/// Ends of tasks and of requests.
extension Reactor {
  /// The current command did what it was asked: what comes next for the slot?
  mutating func succeed(_ index: Int) {
    let kind = slots[index].kind
    if kind == .write || kind == .clear, slots[index].step == .transfer {
      remember(index)
      noteUnheard(index)
      sharedUnits.wrote(Int(slots[index].unit), lane: lane)
    }
    // Nobody waits any more, and its LUN may be another by now: nothing further is sent.
    guard !slots[index].isAnswered else { return end(index) }
    switch (slots[index].kind, slots[index].step) {
    case (.write, .readHead), (.write, .readTail): fillEdge(index)
    case (.clear, .readHead): patch(index)
    case (.clear, _): continueClearing(index)
    case (.seek, _): continueSearch(index)
    case (.read, _):
      guard slots[index].commands.remaining.isEmpty else {
        return issueNext(index, at: slots[index].payload - Int(slots[index].headFill))
      }
      finishRead(index)
    case (.write, .transfer):
      guard slots[index].commands.remaining.isEmpty else {
        return issueNext(index, at: slots[index].payload - Int(slots[index].headFill))
      }
      let unit = Int(slots[index].unit)
      // What its first commands wrote must not be gone when its last one is done.
      guard slots[index].commands.isOneCommand || !mayBeLost(index) else {
        return write(again: index)
      }
      if slots[index].isDurable, !units[unit].supportsForceUnitAccess,
        units[unit].hasVolatileCache
      {
        return issueSynchronize(index)
      }
      finishWrite(index)
    case (.write, .synchronize), (.synchronize, .synchronize): beginSettling(index)
    case (.write, .hear), (.synchronize, .hear): settleAnswer(index)
    case (.synchronize, .readBack): continueReadingBack(index)
    case (.write, .status), (.write, .readBack), (.write, .settle), (.synchronize, _),
      (.control, _), (.cold, _), (.free, _):
      preconditionFailure("this kind of slot has no such step")
    }
  }

  /// Whether a volatile cache may have lost what a write has brought since it began.
  func mayBeLost(_ index: Int) -> Bool {
    slots[index].failures != sharedUnits.incidents(Int(slots[index].unit))
  }

  /// Writes all blocks of a write again: its bytes are still here.
  mutating func write(again index: Int) {
    guard isOverdue(index) else { return beginTransfer(index) }
    tell(.writesLost, of: index)
    finish(index, error: .ioError)
  }

  private mutating func finishRead(_ index: Int) {
    // SAFETY: the plan's bytes lie in the slot's pages, all of them received.
    unsafe answer(
      slot: index, bytes: slots.memory(index) + slots[index].payload,
      count: Int(slots[index].resultLength))
    end(index)
  }

  /// Answers a write whose bytes have all been taken.
  mutating func finishWrite(_ index: Int) {
    answer(slot: index, accepted: slots[index].resultLength)
    end(index)
  }

  /// Answers an fsync: with the failure of an earlier write where one is owed, once.
  mutating func finishSynchronize(_ index: Int) {
    // What is owed is told by who was asked.
    guard !slots[index].isUnasked else { return end(index) }
    let isOwed = sharedUnits.tellFailures(
      Int(slots[index].unit), since: slots[index].failures)
    guard !isOwed, !slots[index].tellsLoss else {
      tell(.writesLost, of: index)
      return finish(index, error: .ioError)
    }
    answer(slot: index)
    end(index)
  }

  /// Answers a request, or a control task, with an error and ends it.
  mutating func finish(_ index: Int, error: Errno) {
    if slots[index].kind == .control {
      return finishControl(index, error == .timedOut ? .timedOut : .sessionLost)
    }
    if !slots[index].isAnswered { answer(slot: index, error: error) }
    end(index)
  }

  /// Ends a request that has been answered: gives up its lock, its unit and its slot.
  mutating func end(_ index: Int) {
    // Its queued PDUs may keep the slot for a while: nothing is due for it any more.
    slots[index].stage = .idle
    if slots[index].holdsRange {
      slots[index].holdsRange = false
      locks.release(owner: UInt16(index))
    }
    endKeeping(index)
    endReadBack(index)
    vacatePlace(index)
    let unit = Int(slots[index].unit)
    if slots[index].kind == .write { sharedUnits.noteOver(lane: lane, slot: index) }
    if slots[index].isUnasked { sharedUnits.endFlush(unit) }
    endWriting(index)
    slots.retire(index)
    while let granted = locks.nextGranted() { beginGranted(Int(granted)) }
    precondition(units[unit].busyCount > 0, "a request ends at its unit once")
    units[unit].busyCount -= 1
    if units[unit].queue.first != QueueDepth.nobody { fillPlaces(unit: unit) }
    if units[unit].busyCount == 0 { units[unit].finishWithdrawals() }
  }

  /// The task ended with a status and perhaps sense data: done, again, or failed.
  ///
  /// - Parameter isWhole: all its bytes have moved; without, no status is a success.
  mutating func complete(_ index: Int, status: SCSIStatus, sense: SenseData?, isWhole: Bool) {
    let disposition = TaskDisposition(status: status, sense: sense)
    if let sense, sense.key == .unitAttention, !sense.isDeferred {
      let session = slots[index].session
      port.tell(
        .unitAttention(handle(of: Int(session)), slots[index].lun, sense.additionalSense))
      if sense.additionalSense.tellsOfReset { doubt(unit: Int(slots[index].unit)) }
    }
    switch disposition {
    case .done where isWhole: succeed(index)
    // Blocks are never half there: fewer bytes than commanded are bytes lost.
    case .done: retry(index, .abortedCommand)
    case .retry(let reason):
      if reason == .initializingCommandRequired, slots[index].backoffs == 0 { askForLook(index) }
      if reason == .acaActive { clearACA(index) }
      retry(index, reason)
    case .failed(let failure):
      if failure == .lbaOutOfRange { askForLook(index) }
      fail(index, failure, sense)
    }
  }

  /// Asks the control plane to find out what the slot's unit has become.
  func askForLook(_ index: Int) {
    port.tell(
      .unitWantsLook(handle(of: Int(slots[index].session)), slots[index].lun))
  }

  /// Sends the command again, at once or later, as often as the reason allows.
  private mutating func retry(_ index: Int, _ reason: RetryReason) {
    if reason == .taskSetFull || reason == .busy { throttle(index) }
    // An earlier write's failure, whoever hears of it.
    if reason == .deferredError { sharedUnits.oweError(Int(slots[index].unit)) }
    guard !slots[index].isAnswered else { return end(index) }
    guard let limit = reason.retryLimit else {
      guard !isOverdue(index) else { return fail(index, reason.failureWhenExhausted) }
      let backoff = Interval.retryMinimum << UInt64(slots[index].backoffs)
      slots[index].backoffs = min(slots[index].backoffs + 1, 6)
      return delay(index, min(backoff, Interval.retryMaximum))
    }
    // Unit attentions are many at once and say nothing about the command: they count apart.
    let isAttention = reason == .unitAttention
    let attempts = isAttention ? slots[index].attentions : slots[index].attempts
    guard Int(attempts) < limit else { return fail(index, reason.failureWhenExhausted) }
    if isAttention { slots[index].attentions += 1 } else { slots[index].attempts += 1 }
    again(index)
  }

  /// True when a request has got on with nothing for as long as a lost path may take.
  ///
  /// A path that is there is given the time of one command at least.
  func isOverdue(_ index: Int) -> Bool {
    let timeouts = sessions[Int(slots[index].session)].timeouts
    let limit = (timeouts.replacementMilliseconds ?? 120_000) &* Interval.millisecond
    let command =
      slots[index].kind == .control
      ? Interval.command : units[Int(slots[index].unit)].commandTime
    return now >= slots[index].progressedAt &+ max(limit, command)
  }

  /// Sends the slot's command again, from its first byte.
  mutating func again(_ index: Int) {
    slots[index].transfer = .init(
      direction: slots[index].transfer.direction,
      expectedLength: slots[index].transfer.expectedLength)
    enqueue(index)
  }

  private mutating func delay(_ index: Int, _ nanoseconds: UInt64) {
    slots[index].stage = .delayed
    slots[index].retryAt = now &+ nanoseconds
    delayedCount += 1
    nextTick = min(nextTick, slots[index].retryAt)
    leavePlace(index)
  }

  private mutating func fail(_ index: Int, _ failure: SCSIFailure, _ sense: SenseData? = nil) {
    let unit = slots[index].unit
    if failure == .logicalUnitGone {
      let handle = LogicalUnitHandle(index: unit, generation: units[Int(unit)].generation)
      port.tell(.logicalUnitGone(handle))
    }
    if failure == .unsupportedCommand || failure == .illegalRequest,
      slots[index].cdb == .synchronizeCache16(), !slots[index].isAnswered
    {
      // SYNCHRONIZE CACHE(16) is optional where (10) is not.
      slots[index].cdb = .synchronizeCache10()
      return enqueue(index)
    }
    guard !goesAround(index, failure), !isLost(index, failure) else { return }
    tell(.ended(failure, sense), of: index)
    finish(index, error: Errno(failure))
  }
}
