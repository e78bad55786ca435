import ISCSI
import SCSI
import Wire

/// What bears a StatSN, from ErrorRecoveryLevel 1 on: a gap is asked for, ExpStatSN goes on in
/// order only, and never past a task whose data are missing.
///
/// SCSI Responses and answers to pings mean the same in any order. Everything else (answers to task
/// management above all) says something about what was numbered before it, and is taken in its
/// turn.
/// Source: RFC 7143, 4.2.2.2, 7.8, 7.9 and 11.16.
extension Reactor {
  /// Whether a PDU is to be taken now, as far as its StatSN says; a missing one is asked for.
  mutating func isItsTurn(
    _ header: BasicHeaderSegment, connection index: Int
  ) throws(ProtocolViolation) -> Bool {
    switch header.opcode {
    case .nopIn where header.initiatorTaskTag == .reserved:
      // Without a number of its own; it tells the next (7.1.4.2), if it tells anything.
      if let missing = try? connections[index].machine.status.note(next: header.statSN) {
        try ask(.status, for: missing, connection: index)
      }
      return true
    case .nopIn: return try takeStatus(header, connection: index)
    case .asyncMessage, .logoutResponse, .taskManagementResponse, .textResponse, .reject:
      let before = connections[index].machine.status.missingCount
      switch try connections[index].machine.status.arrive(header.statSN, isOrdered: true) {
      case .new(let missing):
        if connections[index].machine.status.missingCount < before { progress(connection: index) }
        if let missing { try ask(.status, for: missing, connection: index) }
        return true
      case .duplicate: return false
      case .early(let missing), .beyond(let missing):
        if let missing { try ask(.status, for: missing, connection: index) }
        return false
      }
    default: return true
    }
  }

  /// Counts the StatSN of a PDU that is taken in any order and asks for those missing before it;
  /// false when it has come before, or is so far ahead that it is asked for again.
  mutating func takeStatus(
    _ header: BasicHeaderSegment, isHeld: Bool = false, connection index: Int
  ) throws(ProtocolViolation) -> Bool {
    let before = connections[index].machine.status.missingCount
    let arrival = try connections[index].machine.status.arrive(header.statSN, isHeld: isHeld)
    if case .beyond(let missing?) = arrival {
      try ask(.status, for: missing, connection: index)
    }
    guard case .new(let missing) = arrival else { return false }
    if let missing {
      try ask(.status, for: missing, connection: index)
    } else if connections[index].machine.status.missingCount < before {
      progress(connection: index)
    }
    return true
  }

  /// Whether a SCSI Response ends its task now: not twice, and not as a success while data of the
  /// task are missing, which are asked for.
  mutating func isBelieved(
    _ response: SCSIResponse, _ data: borrowing RawSpan, connection index: Int
  ) throws(ProtocolViolation) -> Bool {
    let header = response.header
    guard let slot = slotWanted(header.initiatorTaskTag, connection: index) else {
      try passOver(header, hasStatus: true, connection: index)
      return false
    }
    if slots.recoveries[slot].isTagged {
      return try isTaggedEnd(response, data, slot: slot, connection: index)
    }
    let isRead = slots[slot].transfer.direction == .read
    let isGood = response.response == 0 && response.status == .good
    if isRead, isGood, let missing = try slots.recoveries[slot].extend(to: response.expDataSN) {
      try askForData(missing, slot: slot, connection: index)
    }
    let isHeld = isRead && isGood && slots.recoveries[slot].awaitsPDUs
    guard try takeStatus(header, isHeld: isHeld, connection: index) else { return false }
    guard isHeld else { return true }
    try slots.recoveries[slot].hold(
      .scsiResponse, try Self.heldStatus(response, data), of: header.initiatorTaskTag)
    return false
  }

  /// What is kept of a SCSI Response that does not count yet, as it ends a task when it does.
  static func heldStatus(
    _ response: SCSIResponse, _ data: borrowing RawSpan
  ) throws(ProtocolViolation) -> TaskRecovery.HeldStatus {
    let header = response.header
    guard let residual = response.residual else {
      throw .contradictoryResidual(flags: header.flags)
    }
    guard response.response == 0 else {
      return .init(statSN: header.statSN, residual: .none, status: .taskAborted)
    }
    return .init(
      statSN: header.statSN, residual: residual, status: response.status,
      sense: SenseData(parsing: data.extracting(senseBytes(data))))
  }

  /// Whether as many Data-In or R2Ts have come as a SCSI Response counts.
  func hasAll(_ response: SCSIResponse, slot: Int, connection index: Int) -> Bool {
    // There bytes have told.
    if connections[index].recovers, slots.recoveries[slot].isTagged { return true }
    return connections[index].recovers
      ? slots.recoveries[slot].hasAll(of: response.expDataSN)
      : !slots[slot].transfer.lacks(expDataSN: response.expDataSN)
  }

  /// The slot of the task with this tag that goes on over the connection.
  mutating func slotWanted(_ tag: InitiatorTaskTag, connection index: Int) -> Int? {
    slotInFlight(tag, connection: index) ?? adoptAhead(tag, connection: index)
  }

  /// A task leaves its session: its status need not wait any longer to be acknowledged.
  mutating func release(_ slot: Int, connection index: Int) {
    guard let held = slots.recoveries[slot].takeHeldStatus(),
      let missing = connections[index].machine.status.release(held.statSN)
    else { return }
    // Who leaves no room to ask in is given up when its time for what is missing has passed.
    try? ask(.status, for: missing, connection: index)
  }

  /// A PDU for a task that is over: what was asked for may come when nobody needs it any more.
  mutating func passOver(
    _ header: BasicHeaderSegment, hasStatus: Bool, connection index: Int
  ) throws(ProtocolViolation) {
    // A status that came before is one that came twice, whatever else.
    if hasStatus, try !takeStatus(header, connection: index) { return }
    guard connections[index].hasRepeated else {
      throw .unknownTask(header.opcode, header.initiatorTaskTag)
    }
  }

  /// The data of a PDU that is no Data-In are not what its digest says: asks for it again by its
  /// StatSN where that is agreed on; false when the session was lost.
  mutating func refuse(
    _ header: BasicHeaderSegment, _ error: PDUError, connection index: Int
  ) -> Bool {
    guard connections[index].recovers else { return reject(connection: index, error) }
    switch header.opcode {
    case .nopIn where header.initiatorTaskTag == .reserved:
      // It has no number to be asked for by. A target that wants an answer asks again.
      connections[index].statistics.digestErrors += 1
      return true
    case .nopIn, .asyncMessage, .logoutResponse, .taskManagementResponse, .textResponse, .reject,
      .scsiResponse:
      connections[index].statistics.digestErrors += 1
    default: return reject(connection: index, error)
    }
    do throws(ProtocolViolation) {
      if let loss = try connections[index].machine.status.lose(header.statSN) {
        try ask(.status, for: loss.run, isAgain: loss.isAgain, connection: index)
      }
      return true
    } catch {
      lose(connection: index, .violation(error))
      return false
    }
  }
}
