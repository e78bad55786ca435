import ISCSI
import SCSI
import SystemPackage
import Wire

/// What a target says unasked: Async Messages, and Rejects of what we sent.
extension Reactor {
  mutating func receive(
    _ message: AsyncMessage, _ data: borrowing RawSpan, connection index: Int
  ) throws(ProtocolViolation) {
    try connections[index].machine.advanceStatus(from: message.header)
    let handle = handle(of: Int(connections[index].session))
    switch message.event {
    case .logoutRequested:
      // Ending the connection in order and coming back is the control plane's recovery.
      requestLogout(connection: index, withinSeconds: message.parameter3)
    case .connectionDropped where !concerns(message, connection: index):
      // One that is no longer the session's.
      break
    case .connectionDropped:
      let session = Int(connections[index].session)
      lose(
        connection: connection(message.parameter1, of: session) ?? index,
        .requestedByTarget(time2WaitSeconds: message.parameter2))
    case .allConnectionsDropped:
      loseAll(with: index, .requestedByTarget(time2WaitSeconds: message.parameter2))
    case .scsiAsyncEvent:
      let sense = SenseData(parsing: data.extracting(Self.senseBytes(data)))
      port.tell(
        .asyncMessage(handle, .scsiAsyncEvent, message.logicalUnit, sense?.additionalSense))
    case .some(let event):
      port.tell(.asyncMessage(handle, event, message.logicalUnit, nil))
      if event == .negotiationRequested { beginText(connection: index) }
      if event == .taskTermination {
        try confirmTermination(of: message.logicalUnit, connection: index)
      }
    case nil:
      // Reserved events say nothing we must act on (11.9.1).
      break
    }
  }

  /// Whether the connection a target drops is one of the session's; the only one is always meant.
  private func concerns(_ message: AsyncMessage, connection index: Int) -> Bool {
    let session = Int(connections[index].session)
    let isOnly = sessions[session].connections == 1 << UInt64(index)
    return isOnly || connection(message.parameter1, of: session) != nil
  }

  /// Another initiator has ended a unit's tasks: no more data for them, and the target is told that
  /// we have heard (RFC 7143, 4.2.3.4 and 11.9.1).
  private mutating func confirmTermination(
    of lun: LogicalUnitNumber, connection index: Int
  ) throws(ProtocolViolation) {
    for slot in 0..<slots.count
    where slots[slot].kind != .free && slots[slot].stage == .inFlight
      && slots[slot].connection == UInt16(index) && slots[slot].lun == lun
      && slots[slot].transfer.hasBurst
    {
      // The transfer keeps them: what was not sent is never written.
      connections[index].bursts.remove(UInt16(slot))
    }
    guard connections[index].transmit.freeCount > 0 else {
      throw .tooManyToAnswer(.asyncMessage, limit: connections[index].transmit.count)
    }
    let confirmation = NOPOut(
      logicalUnit: lun, initiatorTaskTag: .reserved, cmdSN: window(of: index).cmdSN,
      expStatSN: connections[index].machine.expStatSN)
    unsafe connections[index].transmit.append(
      confirmation.header, parameters: connections[index].machine.parameters)
  }

  /// The target could not take a PDU of ours, whose header is the data segment.
  ///
  /// What the PDU was for ends where it is known that nothing else is concerned; every other Reject
  /// ends the connection (RFC 7143, 7.8 and 11.17.1).
  mutating func receive(
    _ reject: Reject, _ data: borrowing RawSpan, connection index: Int
  ) throws(ProtocolViolation) {
    try connections[index].machine.advanceStatus(from: reject.header)
    let violation = ProtocolViolation.rejected(reason: reject.rawReason)
    if reject.reason == .waitingForLogout {
      return requestLogout(connection: index, withinSeconds: 0)
    }
    guard data.byteCount >= BasicHeaderSegment.byteCount else { throw violation }
    let rejected = BasicHeaderSegment(parsing: data)
    let tag = rejected.initiatorTaskTag
    switch (rejected.opcode, reject.reason) {
    case (.taskManagementRequest, _):
      guard let function = management(tag, connection: index) else { throw violation }
      conclude(management: function, .rejected(reason: reject.rawReason))
    case (.textRequest, _):
      guard connections[index].text != nil, tag == connections[index].textTag else {
        throw violation
      }
      connections[index].text = nil
    case (.nopOut, .immediateCommandReject), (.nopOut, .longOperationReject),
      (.nopOut, .commandNotSupported):
      // Whoever rejects a ping is there.
      guard tag == Tag.ping, connections[index].pingedAt != 0 else { throw violation }
      connections[index].endPing(.answered(nanoseconds: now &- connections[index].pingedAt))
    case (.scsiCommand, .longOperationReject):
      guard let slot = slotInFlight(tag, connection: index) else { throw violation }
      leave(slot, connection: index)
      conclude(slot, status: .busy, sense: nil, residual: .none)
    case (.scsiCommand, .commandNotSupported), (.scsiCommand, .invalidPDUField):
      guard let slot = slotInFlight(tag, connection: index) else { throw violation }
      leave(slot, connection: index)
      if slots[slot].kind == .control { return finishControl(slot, .aborted) }
      tell(.rejected, of: slot)
      finish(slot, error: .ioError)
    case (.scsiCommand, .dataDigestError) where connections[index].recovers:
      try resend(rejected, or: violation, connection: index)
    case (.snackRequest, _) where connections[index].recovers:
      try forgo(SNACKRequest(rejected), or: violation, connection: index)
    case (.dataOut, .dataDigestError):
      // The target asks for the data again, or ends the task with a CRC error (7.8).
      guard slotInFlight(tag, connection: index) != nil else { throw violation }
    default: throw violation
    }
  }
}
