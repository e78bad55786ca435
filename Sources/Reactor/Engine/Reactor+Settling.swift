import ISCSI
import LogicalUnit
import SCSI
import SystemPackage
import Wire

/// What an fsync, or a write that is durable by itself, waits for behind its SYNCHRONIZE CACHE: a
/// deferred error, which tells that an earlier write failed, comes with some later status of the
/// session that brought the write.
///
/// A status sent before the flush's own may come behind it; what was at the target by then is
/// waited for. What the target keeps for another session is told to a TEST UNIT READY there. A
/// session that is lost has nothing to tell any more: that is a loss like any other, and `doubt`
/// has noted it.
extension Reactor {
  /// A write was answered over a session: until that is heard behind a flush, the target may keep
  /// the write's failure for it.
  func noteUnheard(_ index: Int) {
    units[Int(slots[index].unit)].unheard |= 1 << UInt64(slots[index].session)
  }

  /// The slot's SYNCHRONIZE CACHE has succeeded.
  mutating func beginSettling(_ index: Int) {
    slots[index].unheard = units[Int(slots[index].unit)].unheard
    settleAnswer(index)
  }

  /// A command behind which nothing may be untold on the slot's session was answered.
  mutating func settleAnswer(_ index: Int) {
    slots[index].flushedAt = now
    slots[index].flushedCmdSN = sessions[Int(slots[index].session)].window.cmdSN
    goOnSettling(index)
  }

  /// Waits for what may come behind that answer, then hears the next session.
  mutating func goOnSettling(_ index: Int) {
    slots[index].stage = .idle
    guard !endsOverdue(index) else { return }
    guard !owesEarlierStatus(index) else { return lookAgain(index, at: .settle) }
    noteHeard(index)
    hearNext(index)
  }

  /// Whether a request gets on with nothing any more; then it has been answered.
  mutating func endsOverdue(_ index: Int) -> Bool {
    guard isOverdue(index) else { return false }
    tell(.unanswered, of: index)
    finish(index, error: .ioError)
    return true
  }

  private func owesEarlierStatus(_ index: Int) -> Bool {
    let session = Int(slots[index].session)
    let connection = Int(slots[index].connection)
    let mayComeUnordered =
      sessions[session].connections & (sessions[session].connections &- 1) != 0
      || connections[connection].recovers
    guard mayComeUnordered else { return false }
    for slot in 0..<slots.count
    where slot != index && slots[slot].kind != .free && slots[slot].isAtTarget
      && Int(slots[slot].session) == session && slots[slot].lun == slots[index].lun
      && slots[slot].startedAt <= slots[index].flushedAt
      && slots[slot].cmdSN.precedes(slots[index].flushedCmdSN)
    {
      return true
    }
    return false
  }

  /// The slot's session has been heard; for everybody, unless something was written since the flush
  /// was sent.
  private func noteHeard(_ index: Int) {
    let unit = Int(slots[index].unit)
    let session: UInt64 = 1 << UInt64(slots[index].session)
    slots[index].unheard &= ~session
    if sharedUnits.epoch(unit) == slots[index].epoch { units[unit].unheard &= ~session }
  }

  private mutating func hearNext(_ index: Int) {
    guard sessionToHear(index) != nil else { return concludeFlush(index) }
    slots[index].step = .hear
    slots[index].cdb = .testUnitReady
    slots[index].transfer = .init(direction: .none, expectedLength: 0)
    slots[index].lun = units[Int(slots[index].unit)].lun
    enqueueNew(index)
  }

  /// Queues the TEST UNIT READY on the session it is for; one that is on its way out is waited for.
  mutating func enqueueHearing(_ index: Int) {
    guard let session = sessionToHear(index) else { return concludeFlush(index) }
    guard sessions[session].isServing else {
      if !endsOverdue(index) { lookAgain(index, at: .hear) }
      return
    }
    enqueue(index, on: session)
  }

  /// A session that has brought writes of the slot's unit and has not been heard.
  private func sessionToHear(_ index: Int) -> Int? {
    let unit = Int(slots[index].unit)
    var rest = slots[index].unheard & units[unit].unheard
    while rest != 0 {
      let session = rest.trailingZeroBitCount
      rest &= rest - 1
      if units[unit].isReached(by: handle(of: session)) { return session }
    }
    return nil
  }

  /// The session's nexus is dead: whoever is to hear it goes on without.
  mutating func stopHearing(session index: Int) {
    for unit in 0..<units.count { units[unit].unheard &= ~(1 << UInt64(index)) }
    for slot in 0..<slots.requestCount
    where slots[slot].step == .hear && slots[slot].stage == .queued && slots[slot].kind != .free
      && Int(slots[slot].session) == index
    {
      sessions[index].pending.remove(UInt16(slot))
      slots[slot].stage = .idle
      enqueue(slot)
    }
  }

  /// All that may come has come: is what was written on the medium?
  mutating func concludeFlush(_ index: Int) {
    let outcome = sharedUnits.flushed(
      Int(slots[index].unit), upTo: slots[index].epoch, sentAt: slots[index].position,
      oldest: slots[index].oldestPosition)
    guard slots[index].kind == .synchronize else {
      // Its bytes are still here: what a loss may have taken of them needs no reading back.
      return mayBeLost(index) ? write(again: index) : finishWrite(index)
    }
    switch outcome {
    case .covered: finishSynchronize(index)
    case .tooEarly: issueSynchronize(index)
    case .inDoubt: beginReadBack(index)
    }
  }
}
