import ISCSI
import Wire

/// Asking for PDUs again (SNACK), and sending a command again that never arrived.
///
/// A PDU is asked for once when it is found missing, and again when it comes damaged. What does not
/// come in time ends the connection, and the session starts over as at ErrorRecoveryLevel 0: so
/// does every header digest error, at any level, because the length behind it cannot be trusted
/// either and nothing else tells where the next PDU begins (RFC 7143, 7.8).
/// Source: RFC 7143, 7.1.4, 7.2.1 and 11.16.
extension Reactor {
  /// Times a PDU that was asked for may come damaged before another one comes right.
  private static let repeatLimit: UInt8 = 3
  /// Times a command is sent again.
  private static let resendLimit: UInt8 = 3

  // MARK: - Asking

  /// Asks for PDUs that are known to have been sent.
  mutating func ask(
    _ kind: SNACKRequest.Kind, for run: NumberGaps.Run, task: InitiatorTaskTag = .reserved,
    snackTag: TargetTransferTag = .reserved, isAgain: Bool = false, connection index: Int
  ) throws(ProtocolViolation) {
    if isAgain {
      guard connections[index].repeats < Self.repeatLimit else {
        throw .stillMissing(times: Int(Self.repeatLimit) + 1)
      }
      connections[index].repeats += 1
    }
    connections[index].hasRepeated = true
    connections[index].recoverBy = now &+ Interval.recovery
    nextTick = min(nextTick, connections[index].recoverBy)
    try queue(
      SNACKRequest(
        kind: kind, initiatorTaskTag: task, targetTransferTag: snackTag,
        expStatSN: connections[index].machine.expStatSN, begRun: run.first, runLength: run.count),
      connection: index)
  }

  mutating func queue(
    _ request: SNACKRequest, connection index: Int
  ) throws(ProtocolViolation) {
    // Room is kept for what is not data: who fills it loses faster than is worth asking for.
    guard connections[index].transmit.freeCount > 0 else {
      throw .tooManyMissing(limit: connections[index].transmit.count)
    }
    unsafe connections[index].transmit.append(
      request.header, parameters: connections[index].machine.parameters)
    connectionsToPump |= 1 << UInt64(index)
  }

  /// Something that was missing has come: the rest is given the same time again.
  mutating func progress(connection index: Int) {
    connections[index].repeats = 0
    connections[index].recoverBy = now &+ Interval.recovery
  }

  /// Gives up a target that does not send again what it was asked for.
  mutating func tickRecovery(connection index: Int) {
    guard connections[index].recoverBy != 0, connections[index].isConnected else { return }
    guard isMissingSomething(connection: index) else {
      connections[index].recoverBy = 0
      return
    }
    guard now < connections[index].recoverBy else {
      return lose(connection: index, .recoveryTimedOut)
    }
    nextTick = min(nextTick, connections[index].recoverBy)
  }

  private func isMissingSomething(connection index: Int) -> Bool {
    if connections[index].machine.status.missingCount > 0 { return true }
    for slot in 0..<slots.count
    where slots[slot].stage == .inFlight && slots[slot].connection == UInt16(index)
      && slots.recoveries[slot].awaitsPDUs
    {
      return true
    }
    return false
  }

  /// The target will not send again what it was asked for.
  ///
  /// The task of a Data or R-Data SNACK goes on to its status, which then is no success (7.8);
  /// every other refusal leaves a hole nothing fills, and ends the connection.
  mutating func forgo(
    _ request: SNACKRequest, or violation: ProtocolViolation, connection index: Int
  ) throws(ProtocolViolation) {
    guard request.kind == .dataOrR2T || request.kind == .rData else { throw violation }
    guard let slot = slotInFlight(request.header.initiatorTaskTag, connection: index) else {
      return
    }
    guard slots[slot].transfer.direction == .read else { throw violation }
    slots.recoveries[slot].forfeit()
    concludeHeld(slot, connection: index)
  }

  // MARK: - Sending again

  /// Sends a command again that a target says it still expects, which has answered since.
  ///
  /// Only the one whose CmdSN is ExpCmdSN: those behind it may be waiting for it at the target.
  mutating func resendIfLost(_ slot: Int) {
    let index = Int(slots[slot].connection)
    guard connections[index].state == .up, slots[slot].cmdSN == window(of: index).expCmdSN,
      mayResend(slot, connection: index)
    else { return }
    let last = max(slots[slot].sentAt, slots.recoveries[slot].resentAt)
    guard now >= last &+ Interval.acknowledgement,
      connections[index].receivedAt >= last &+ Interval.roundTrip
    else { return }
    resend(slot, connection: index)
  }

  /// Gives a session up that waits for one command, lost or stuck on a connection of which nothing
  /// is heard while the target says on others that it still expects it; true when it did.
  ///
  /// No command behind it is run, whichever connection it is on (4.2.2.1).
  mutating func endsHole(_ slot: Int) -> Bool {
    let index = Int(slots[slot].connection)
    let session = Int(slots[slot].session)
    let others = sessions[session].connections & ~(1 << UInt64(index))
    guard others != 0, slots[slot].cmdSN == sessions[session].window.expCmdSN else { return false }
    let last = max(connections[index].receivedAt, connections[index].transmittedAt)
    let asked = slots[slot].sentAt &+ Interval.roundTrip
    let isToldElsewhere = (0..<connections.count).contains {
      others & 1 << UInt64($0) != 0 && connections[$0].receivedAt >= asked
    }
    guard isToldElsewhere else { return false }
    let due = max(last, slots[slot].sentAt) &+ Interval.acknowledgement
    guard now >= due else {
      nextTick = min(nextTick, due)
      return false
    }
    lose(connection: index, .commandTimedOut)
    return true
  }

  /// The target has thrown away a command whose immediate data came damaged: the hole in the CmdSN
  /// order is plugged with the same command (7.2.1 and 7.8).
  mutating func resend(
    _ rejected: BasicHeaderSegment, or violation: ProtocolViolation, connection index: Int
  ) throws(ProtocolViolation) {
    guard let slot = slotInFlight(rejected.initiatorTaskTag, connection: index),
      !slots[slot].cmdSN.precedes(window(of: index).expCmdSN),
      mayResend(slot, connection: index)
    else { throw violation }
    resend(slot, connection: index)
  }

  /// Not for ever, nor a command the target has said something of.
  private func mayResend(_ slot: Int, connection index: Int) -> Bool {
    !slots.recoveries[slot].isHeardOf && slots.recoveries[slot].resendCount < Self.resendLimit
      && connections[index].transmit.hasRoom && slots[slot].transmitsQueued == 0
  }

  /// Queues the command as it was: tag, number, flags, CDB and unsolicited data.
  mutating func resend(_ slot: Int, connection index: Int) {
    if slots[slot].transfer.hasBurst { connections[index].bursts.remove(UInt16(slot)) }
    slots[slot].transfer = TransferState(
      direction: slots[slot].transfer.direction,
      expectedLength: slots[slot].transfer.expectedLength)
    slots.recoveries[slot].resendCount += 1
    slots.recoveries[slot].resentAt = now
    connections[index].hasRepeated = true
    queueCommand(slot, on: index)
    connectionsToPump |= 1 << UInt64(index)
  }
}
