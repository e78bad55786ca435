import ISCSI
import SCSI
import Wire

/// Data-In and R2Ts from ErrorRecoveryLevel 1 on: what is lost is asked for again, what comes twice
/// is taken once, and no status is believed before all its data are there.
///
/// A Data-In is checked when its header has come and counted when its payload is known to be right.
/// How it is asked for, and what a changed MaxRecvDataSegmentLength makes of it, is in
/// `Reactor+MissingData`.
/// Source: RFC 7143, 7.8, 7.9, 11.7.2, 11.8 and 11.16.
extension Reactor {
  /// The slot whose pages a Data-In's payload goes to; nil when nobody wants it, or the session was
  /// lost over it.
  mutating func admit(_ dataIn: DataIn, connection index: Int) -> Int? {
    let header = dataIn.header
    updateWindow(from: header, connection: index)
    do throws(ProtocolViolation) {
      guard let slot = slotWanted(header.initiatorTaskTag, connection: index) else {
        try passOver(header, hasStatus: dataIn.hasStatus, connection: index)
        return nil
      }
      let isTagged = slots.recoveries[slot].isTagged
      guard isTagged || slots.recoveries[slot].gaps.isNew(dataIn.dataSN) else {
        // A target that begins a reassigned read anew ends it with data that had come; and a status
        // may have come too far ahead to be taken with them.
        if dataIn.hasStatus { _ = try ends(dataIn, slot: slot, connection: index) }
        return nil
      }
      try slots[slot].transfer.check(dataIn, record: slots.records[slot])
      return slot
    } catch {
      lose(connection: index, .violation(error))
      return nil
    }
  }

  /// Counts a Data-In whose payload is in its place, and ends the task where nothing is missing.
  mutating func count(_ dataIn: DataIn, slot: Int, connection index: Int) {
    do throws(ProtocolViolation) {
      guard !slots.recoveries[slot].isTagged else {
        return try countBytes(of: dataIn, slot: slot, connection: index)
      }
      let wasMissing = slots.recoveries[slot].gaps.isMissing(dataIn.dataSN)
      let missing = try slots.recoveries[slot].receive(dataIn)
      guard missing != .all else { return try passBy(dataIn, slot: slot, connection: index) }
      try slots[slot].transfer.place(dataIn, record: &slots.records[slot])
      if wasMissing { progress(connection: index) }
      if let missing { try askForData(missing, slot: slot, connection: index) }
      if slots.recoveries[slot].isTagged {
        // Its bytes are forgotten with all others, and its status.
        return try holdStatus(of: dataIn, slot: slot, connection: index)
      }
      // Before the status is counted: nothing may acknowledge that first (11.7.2).
      try acknowledgeData(of: slot, connection: index)
      if dataIn.hasStatus, try ends(dataIn, slot: slot, connection: index) { return }
      concludeHeld(slot, connection: index)
    } catch {
      lose(connection: index, .violation(error))
    }
  }

  /// Takes the status of a Data-In; true when the task has ended by it.
  mutating func ends(
    _ dataIn: DataIn, slot: Int, connection index: Int
  ) throws(ProtocolViolation) -> Bool {
    guard let residual = dataIn.residual else {
      throw .contradictoryResidual(flags: dataIn.header.flags)
    }
    let isHeld = dataIn.status == .good && slots.recoveries[slot].awaitsPDUs
    guard try takeStatus(dataIn.header, isHeld: isHeld, connection: index) else { return false }
    guard !isHeld else {
      try slots.recoveries[slot].hold(
        .dataIn, .init(statSN: dataIn.header.statSN, residual: residual),
        of: dataIn.header.initiatorTaskTag)
      return false
    }
    let isCounted = slots.recoveries[slot].isCounted
    leave(slot, connection: index)
    conclude(
      slot, status: dataIn.status, sense: nil, residual: residual, isCounted: isCounted)
    return true
  }

  /// Ends a task whose status waited for its data, when they have come or never will.
  mutating func concludeHeld(_ slot: Int, connection index: Int) {
    guard let held = slots.recoveries[slot].heldStatus, !slots.recoveries[slot].awaitsPDUs
    else { return }
    let isCounted = slots.recoveries[slot].isCounted
    leave(slot, connection: index)
    if slots[slot].kind == .control, let sense = held.sense {
      take(sense, ofUnit: slots[slot].lun, connection: index)
    }
    conclude(
      slot, status: held.status, sense: held.sense, residual: held.residual, isCounted: isCounted)
  }

  /// Answers the A bit when no data before it are missing (11.16).
  private mutating func acknowledgeData(
    of slot: Int, connection index: Int
  ) throws(ProtocolViolation) {
    guard
      let owed = slots.recoveries[slot].takeAcknowledgement(
        receivedLength: slots[slot].transfer.receivedLength)
    else { return }
    try queue(owed, connection: index)
  }

  mutating func queue(
    _ owed: TaskRecovery.Acknowledgement, connection index: Int
  ) throws(ProtocolViolation) {
    try queue(
      SNACKRequest(
        kind: .dataACK, lun: owed.lun, initiatorTaskTag: .reserved,
        targetTransferTag: owed.targetTransferTag,
        expStatSN: connections[index].machine.expStatSN, begRun: owed.begRun, runLength: 0),
      connection: index)
  }

  /// Takes an R2T, in whatever order: what was lost comes late, and data lost on their way out are
  /// asked for twice.
  mutating func takeAgain(
    _ readyToTransfer: ReadyToTransfer, connection index: Int
  ) throws(ProtocolViolation) {
    let header = readyToTransfer.header
    guard let slot = slotWanted(header.initiatorTaskTag, connection: index) else {
      return try passOver(header, hasStatus: false, connection: index)
    }
    slots.recoveries[slot].anchor(readyToTransfer)
    guard slots.recoveries[slot].gaps.isNew(readyToTransfer.r2tSN) else { return }
    try slots[slot].transfer.receiveAgain(
      readyToTransfer, parameters: connections[index].machine.parameters,
      record: &slots.records[slot])
    if slots.recoveries[slot].gaps.isMissing(readyToTransfer.r2tSN) { progress(connection: index) }
    if let missing = try slots.recoveries[slot].receive(readyToTransfer) {
      // No task of ours has so many: what it was to be sent is not asked for anew.
      guard missing != .all else { throw .tooManyMissing(limit: NumberGaps.capacity) }
      try ask(.dataOrR2T, for: missing, task: header.initiatorTaskTag, connection: index)
    }
    connections[index].bursts.append(UInt16(slot))
  }

  /// Drops an unwanted Data-In; false while some of it has not come yet.
  mutating func discard(_ total: Int, connection index: Int) -> Bool {
    connections[index].expectsLargePayload = false
    connections[index].discardRemaining = total
    connections[index].position = .discard
    return parseDiscarded(connection: index)
  }

  /// Drops what has come of an unwanted Data-In; false when bytes are missing.
  mutating func parseDiscarded(connection index: Int) -> Bool {
    let count = min(connections[index].receive.count, connections[index].discardRemaining)
    connections[index].receive.consume(count)
    connections[index].discardRemaining -= count
    guard connections[index].discardRemaining == 0 else { return false }
    connections[index].position = .header
    return true
  }
}
