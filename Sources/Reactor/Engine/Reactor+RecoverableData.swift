import ISCSI
import SCSI
import Wire

/// Data-In and R2Ts from ErrorRecoveryLevel 1 on: what is lost is asked for again, what comes twice
/// is taken once, and no status is believed before all its data are there.
///
/// A Data-In is checked when its header has come and counted when its payload is known to be right.
/// R-Data SNACKs are never needed: our MaxRecvDataSegmentLength does not change in a session, so
/// that what is sent again is cut as it was (RFC 7143, 11.16.1).
/// Source: RFC 7143, 7.8, 7.9, 11.7.2, 11.8 and 11.16.
extension Reactor {
  /// The slot whose pages a Data-In's payload goes to; nil when nobody wants it, or the session was
  /// lost over it.
  mutating func admit(_ dataIn: DataIn, session index: Int) -> Int? {
    let header = dataIn.header
    sessions[index].machine.updateWindow(from: header)
    do throws(ProtocolViolation) {
      guard let slot = slotInFlight(header.initiatorTaskTag, session: index) else {
        try passOver(header, hasStatus: dataIn.hasStatus, session: index)
        return nil
      }
      guard slots.recoveries[slot].gaps.isNew(dataIn.dataSN) else {
        if dataIn.hasStatus { _ = try takeStatus(header, session: index) }
        return nil
      }
      try slots[slot].transfer.check(dataIn, record: slots.records[slot])
      return slot
    } catch {
      lose(session: index, .violation(error))
      return nil
    }
  }

  /// Counts a Data-In whose payload is in its place, and ends the task where nothing is missing.
  mutating func count(_ dataIn: DataIn, slot: Int, session index: Int) {
    do throws(ProtocolViolation) {
      try slots[slot].transfer.place(dataIn, record: &slots.records[slot])
      if slots.recoveries[slot].gaps.isMissing(dataIn.dataSN) { progress(session: index) }
      if let missing = try slots.recoveries[slot].receive(dataIn) {
        try ask(
          .dataOrR2T, for: missing, task: dataIn.header.initiatorTaskTag, session: index)
      }
      // Before the status is counted: nothing may acknowledge that first (11.7.2).
      try acknowledgeData(of: slot, session: index)
      if dataIn.hasStatus, try ends(dataIn, slot: slot, session: index) { return }
      concludeHeld(slot, session: index)
    } catch {
      lose(session: index, .violation(error))
    }
  }

  /// Takes the status of a Data-In; true when the task has ended by it.
  private mutating func ends(
    _ dataIn: DataIn, slot: Int, session index: Int
  ) throws(ProtocolViolation) -> Bool {
    guard let residual = dataIn.residual else {
      throw .contradictoryResidual(flags: dataIn.header.flags)
    }
    let isHeld = dataIn.status == .good && slots.recoveries[slot].awaitsPDUs
    guard try takeStatus(dataIn.header, isHeld: isHeld, session: index) else { return false }
    guard !isHeld else {
      try slots.recoveries[slot].hold(
        .dataIn, .init(statSN: dataIn.header.statSN, residual: residual),
        of: dataIn.header.initiatorTaskTag)
      return false
    }
    let isCounted = slots.recoveries[slot].gaps.isEmpty
    leave(slot, session: index)
    conclude(
      slot, status: dataIn.status, sense: nil, residual: residual, isCounted: isCounted)
    return true
  }

  /// Ends a task whose status waited for its data, when they have come or never will.
  mutating func concludeHeld(_ slot: Int, session index: Int) {
    guard let held = slots.recoveries[slot].heldStatus, !slots.recoveries[slot].awaitsPDUs
    else { return }
    let isCounted = slots.recoveries[slot].gaps.isEmpty
    leave(slot, session: index)
    conclude(slot, status: .good, sense: nil, residual: held.residual, isCounted: isCounted)
  }

  /// Answers the A bit when no data before it are missing (11.16).
  private mutating func acknowledgeData(
    of slot: Int, session index: Int
  ) throws(ProtocolViolation) {
    guard let owed = slots.recoveries[slot].takeAcknowledgement() else { return }
    try queue(
      SNACKRequest(
        kind: .dataACK, lun: owed.lun, initiatorTaskTag: .reserved,
        targetTransferTag: owed.targetTransferTag,
        expStatSN: sessions[index].machine.expStatSN,
        begRun: slots.recoveries[slot].gaps.next, runLength: 0),
      session: index)
  }

  /// A Data-In's data are not what its digest says: asks for it again where that is agreed on;
  /// false when the session was lost.
  mutating func refuse(
    _ dataIn: DataIn, _ error: PDUError, slot: Int, session index: Int
  ) -> Bool {
    guard sessions[index].recovers else { return reject(session: index, error) }
    sessions[index].statistics.digestErrors += 1
    let header = dataIn.header
    do throws(ProtocolViolation) {
      let loss = try slots.recoveries[slot].lose(
        dataIn, parameters: sessions[index].machine.parameters)
      if let loss {
        try ask(
          .dataOrR2T, for: loss.run, task: header.initiatorTaskTag, isAgain: loss.isAgain,
          session: index)
      }
      guard dataIn.hasStatus, let status = try sessions[index].machine.status.lose(header.statSN)
      else { return true }
      // Its own status comes with the data.
      var run = status.run
      if loss != nil { run.count -= 1 }
      if run.count > 0 { try ask(.status, for: run, session: index) }
      return true
    } catch {
      lose(session: index, .violation(error))
      return false
    }
  }

  /// Takes an R2T, in whatever order: what was lost comes late, and data lost on their way out are
  /// asked for twice.
  mutating func takeAgain(
    _ readyToTransfer: ReadyToTransfer, session index: Int
  ) throws(ProtocolViolation) {
    let header = readyToTransfer.header
    guard let slot = slotInFlight(header.initiatorTaskTag, session: index) else {
      return try passOver(header, hasStatus: false, session: index)
    }
    guard slots.recoveries[slot].gaps.isNew(readyToTransfer.r2tSN) else { return }
    try slots[slot].transfer.receiveAgain(
      readyToTransfer, parameters: sessions[index].machine.parameters,
      record: &slots.records[slot])
    if slots.recoveries[slot].gaps.isMissing(readyToTransfer.r2tSN) { progress(session: index) }
    if let missing = try slots.recoveries[slot].receive(readyToTransfer) {
      try ask(.dataOrR2T, for: missing, task: header.initiatorTaskTag, session: index)
    }
    sessions[index].bursts.append(UInt16(slot))
  }

  /// Drops an unwanted Data-In; false while some of it has not come yet.
  mutating func discard(_ total: Int, session index: Int) -> Bool {
    sessions[index].expectsLargePayload = false
    sessions[index].discardRemaining = total
    sessions[index].position = .discard
    return parseDiscarded(session: index)
  }

  /// Drops what has come of an unwanted Data-In; false when bytes are missing.
  mutating func parseDiscarded(session index: Int) -> Bool {
    let count = min(sessions[index].receive.count, sessions[index].discardRemaining)
    sessions[index].receive.consume(count)
    sessions[index].discardRemaining -= count
    guard sessions[index].discardRemaining == 0 else { return false }
    sessions[index].position = .header
    return true
  }
}
