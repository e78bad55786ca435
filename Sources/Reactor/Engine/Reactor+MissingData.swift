import ISCSI
import SCSI
import Wire

/// Asking for Data-In that are missing: those, all from the first hole on, or all anew.
///
/// Runs are asked for as they are found. Where more is missing than is kept track of, what came
/// behind the first hole is dropped and all from there on asked for (RunLength 0). Where our
/// MaxRecvDataSegmentLength has changed since some of the data were sent, which it may between a
/// session's connections, the same numbers may mean other bytes: all that is not acknowledged is
/// asked for by an R-Data SNACK, bytes alone tell what has come, and the one status that counts is
/// the one with its SNACK Tag.
/// Source: RFC 7143, 7.2.2, 11.4.4, 11.16 and 13.19.
extension Reactor {
  /// Asks for Data-In that are missing, by what is right for the task; for none of a task that goes
  /// on without them.
  mutating func askForData(
    _ run: NumberGaps.Run, slot: Int, isAgain: Bool = false, connection index: Int
  ) throws(ProtocolViolation) {
    let parameters = connections[index].machine.parameters
    let task = slots[slot].tag(index: slot)
    guard !slots.recoveries[slot].isForfeited else { return }
    if slots.recoveries[slot].isResegmented {
      guard let tag = try slots.recoveries[slot].resegment(parameters: parameters) else { return }
      slots[slot].transfer.expectAgain(
        from: slots.recoveries[slot].acknowledgedLength, parameters: parameters)
      return try ask(
        .rData, for: .all, task: task, snackTag: TargetTransferTag(rawValue: tag),
        isAgain: isAgain, connection: index)
    }
    guard run == .all else {
      return try ask(
        .dataOrR2T, for: run, task: task, isAgain: isAgain, connection: index)
    }
    let length = slots[slot].transfer.receivedLength
    slots[slot].transfer.expectAgain(from: length, parameters: parameters)
    guard let rest = try slots.recoveries[slot].askForRest(parameters: parameters) else { return }
    try ask(.dataOrR2T, for: rest, task: task, isAgain: isAgain, connection: index)
  }

  /// A Data-In before which there are more holes than are kept track of: it comes again with all
  /// from the first one on.
  mutating func passBy(
    _ dataIn: DataIn, slot: Int, connection index: Int
  ) throws(ProtocolViolation) {
    try askForData(.all, slot: slot, connection: index)
    guard !slots.recoveries[slot].isTagged else {
      return try holdStatus(of: dataIn, slot: slot, connection: index)
    }
    if slots.recoveries[slot].isForfeited, dataIn.hasStatus {
      _ = try ends(dataIn, slot: slot, connection: index)
      return
    }
    try passStatus(of: dataIn, isExpected: true, connection: index)
    concludeHeld(slot, connection: index)
  }

  /// A Data-In's status is dropped with it: asks for those before it, and for itself where it does
  /// not come with the data.
  private mutating func passStatus(
    of dataIn: DataIn, isExpected: Bool, connection index: Int
  ) throws(ProtocolViolation) {
    guard dataIn.hasStatus,
      let loss = try connections[index].machine.status.lose(dataIn.header.statSN)
    else { return }
    var run = loss.run
    if isExpected, run != .all {
      guard run.count > 1 else { return }
      run.count -= 1
    }
    try ask(.status, for: run, connection: index)
  }

  /// A Data-In's data are not what its digest says: asks for it again where that is agreed on;
  /// false when the session was lost.
  mutating func refuse(
    _ dataIn: DataIn, _ error: PDUError, slot: Int, connection index: Int
  ) -> Bool {
    guard connections[index].recovers else { return reject(connection: index, error) }
    connections[index].statistics.digestErrors += 1
    do throws(ProtocolViolation) {
      guard !slots.recoveries[slot].isTagged else {
        // Whether it was one of those that are to come again shows when the status has come.
        try holdStatus(of: dataIn, slot: slot, connection: index)
        return true
      }
      let loss = try slots.recoveries[slot].lose(
        dataIn, parameters: connections[index].machine.parameters)
      if let loss {
        try askForData(loss.run, slot: slot, isAgain: loss.isAgain, connection: index)
      }
      if slots.recoveries[slot].isTagged {
        try holdStatus(of: dataIn, slot: slot, connection: index)
      } else {
        let isExpected = loss != nil && !slots.recoveries[slot].isForfeited
        try passStatus(of: dataIn, isExpected: isExpected, connection: index)
        concludeHeld(slot, connection: index)
      }
      return connections[index].isConnected
    } catch {
      lose(connection: index, .violation(error))
      return false
    }
  }

  // MARK: - Behind an R-Data SNACK

  /// Counts the bytes of a Data-In, whichever of those sent before the SNACK was taken, or after.
  mutating func countBytes(
    of dataIn: DataIn, slot: Int, connection index: Int
  ) throws(ProtocolViolation) {
    let before = slots[slot].transfer.receivedLength
    try slots[slot].transfer.place(dataIn, record: &slots.records[slot])
    if slots[slot].transfer.receivedLength > before { progress(connection: index) }
    let hasAllBefore = slots[slot].transfer.hasAll(
      upTo: dataIn, parameters: connections[index].machine.parameters)
    if let owed = try slots.recoveries[slot].acknowledge(dataIn, hasAllBefore: hasAllBefore) {
      try queue(owed, connection: index)
    }
    try holdStatus(of: dataIn, slot: slot, connection: index)
  }

  /// A status that does not count is not acknowledged either: the one that does has its number.
  mutating func holdStatus(
    of dataIn: DataIn, slot: Int, connection index: Int
  ) throws(ProtocolViolation) {
    guard dataIn.hasStatus else { return }
    guard let residual = dataIn.residual else {
      throw .contradictoryResidual(flags: dataIn.header.flags)
    }
    try holdStatus(
      .init(statSN: dataIn.header.statSN, residual: residual, status: dataIn.status),
      dataIn.header, slot: slot, connection: index)
  }

  private mutating func holdStatus(
    _ status: TaskRecovery.HeldStatus, _ header: BasicHeaderSegment, slot: Int,
    connection index: Int
  ) throws(ProtocolViolation) {
    guard try takeStatus(header, isHeld: true, connection: index) else { return }
    // One with a number of its own takes the place of what came before it.
    release(slot, connection: index)
    try slots.recoveries[slot].hold(header.opcode, status, of: header.initiatorTaskTag)
  }

  /// Whether a SCSI Response ends a task whose data were asked for by an R-Data SNACK: it bears its
  /// tag, and every byte has come. Where some have not all are asked for once more.
  mutating func isTaggedEnd(
    _ response: SCSIResponse, _ data: borrowing RawSpan, slot: Int, connection index: Int
  ) throws(ProtocolViolation) -> Bool {
    let header = response.header
    let status = try Self.heldStatus(response, data)
    try holdStatus(status, header, slot: slot, connection: index)
    guard slots.recoveries[slot].heldStatus?.statSN == header.statSN,
      response.snackTag == slots.recoveries[slot].snackTag
    else { return false }
    let isGood = response.response == 0 && response.status == .good
    guard isGood, !slots[slot].transfer.hasReceived(allBut: status.residual) else { return true }
    try askForData(.all, slot: slot, isAgain: true, connection: index)
    // Without asking it goes on to this status, which is no success.
    return slots.recoveries[slot].isForfeited
  }
}
