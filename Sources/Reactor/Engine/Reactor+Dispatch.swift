import ISCSI
import SCSI
import Wire

/// PDUs other than Data-In with payload, each to its handler.
extension Reactor {
  /// Handles a whole PDU; what must not come ends the connection.
  mutating func dispatch(
    _ header: BasicHeaderSegment, _ data: borrowing RawSpan, connection index: Int
  ) {
    do throws(ProtocolViolation) {
      updateWindow(from: header, connection: index)
      if connections[index].recovers, try !isItsTurn(header, connection: index) { return }
      switch header.opcode {
      case .scsiResponse: try receive(SCSIResponse(header), data, connection: index)
      case .dataIn: try receiveEmpty(DataIn(header), connection: index)
      case .readyToTransfer: try receive(ReadyToTransfer(header), connection: index)
      case .nopIn: try receive(NOPIn(header), connection: index)
      case .asyncMessage: try receive(AsyncMessage(header), data, connection: index)
      case .logoutResponse:
        try receive(LogoutResponse(header), connection: index)
      case .taskManagementResponse:
        try receive(TaskManagementResponse(header), connection: index)
      case .textResponse: try receive(TextResponse(header), data, connection: index)
      case .reject: try receive(Reject(header), data, connection: index)
      default: throw .unexpectedOpcode(header.opcode)
      }
    } catch {
      lose(connection: index, .violation(error))
    }
  }

  /// Any PDU moves the window of its connection's session.
  @inline(__always)
  mutating func updateWindow(from header: BasicHeaderSegment, connection index: Int) {
    sessions[Int(connections[index].session)].window.update(from: header)
  }

  /// The slot whose task in flight on this connection the PDU names.
  func task(
    _ header: BasicHeaderSegment, connection index: Int
  ) throws(ProtocolViolation) -> Int {
    let tag = header.initiatorTaskTag
    guard let slot = slotInFlight(tag, connection: index) else {
      throw .unknownTask(header.opcode, tag)
    }
    return slot
  }

  private mutating func receive(
    _ response: SCSIResponse, _ data: borrowing RawSpan, connection index: Int
  ) throws(ProtocolViolation) {
    if connections[index].recovers, try !isBelieved(response, data, connection: index) {
      return
    }
    let slot = try task(response.header, connection: index)
    try connections[index].machine.advanceStatus(from: response.header)
    guard let residual = response.residual else {
      throw .contradictoryResidual(flags: response.header.flags)
    }
    leave(slot, connection: index)
    guard response.response == 0 else {
      // Target failure or a vendor's: the command may or may not have run. Try it again.
      return conclude(slot, status: .taskAborted, sense: nil, residual: .none)
    }
    let isCounted = hasAll(response, slot: slot, connection: index)
    let sense = Self.senseBytes(data)
    if slots[slot].kind == .control {
      if let sense = SenseData(parsing: data.extracting(sense)) {
        take(sense, ofUnit: slots[slot].lun, connection: index)
      }
      if connections[index].recovers, !isCounted { return finishControl(slot, .aborted) }
      return finishControl(slot, response.status, residual, data.extracting(sense))
    }
    conclude(
      slot, status: response.status,
      sense: SenseData(parsing: data.extracting(sense)), residual: residual,
      isCounted: isCounted)
  }

  /// The control plane's command was told of an earlier write's failure, or of a reset, which fsync
  /// has to know.
  func take(_ sense: SenseData, ofUnit lun: LogicalUnitNumber, connection index: Int) {
    let isReset = sense.key == .unitAttention && sense.additionalSense.tellsOfReset
    guard sense.isDeferred || isReset else { return }
    let session = handle(of: Int(connections[index].session))
    for unit in 0..<units.count
    where units[unit].state != .free && units[unit].lun == lun
      && units[unit].isReached(by: session)
    {
      if sense.isDeferred { sharedUnits.oweError(unit) } else { doubt(unit: unit) }
    }
  }

  /// Where sense data lie in a response's data segment: behind their own length (11.4.7).
  static func senseBytes(_ data: borrowing RawSpan) -> Range<Int> {
    guard data.byteCount >= 2 else { return 0..<0 }
    let length = Int(data.bigEndian(at: 0, as: UInt16.self))
    return 2..<min(data.byteCount, 2 + length)
  }

  private mutating func receiveEmpty(
    _ dataIn: DataIn, connection index: Int
  ) throws(ProtocolViolation) {
    guard !connections[index].recovers else {
      guard let slot = admit(dataIn, connection: index) else { return }
      return count(dataIn, slot: slot, connection: index)
    }
    let slot = try task(dataIn.header, connection: index)
    try slots[slot].transfer.receive(
      dataIn, parameters: connections[index].machine.parameters, record: &slots.records[slot])
    guard dataIn.hasStatus else { return }
    try connections[index].machine.advanceStatus(from: dataIn.header)
    finishDataIn(dataIn, slot: slot, connection: index)
  }

  private mutating func receive(
    _ readyToTransfer: ReadyToTransfer, connection index: Int
  ) throws(ProtocolViolation) {
    if connections[index].recovers { return try takeAgain(readyToTransfer, connection: index) }
    let slot = try task(readyToTransfer.header, connection: index)
    try slots[slot].transfer.receive(
      readyToTransfer, parameters: connections[index].machine.parameters,
      record: &slots.records[slot])
    connections[index].bursts.append(UInt16(slot))
  }

  /// The target's ping is answered, the answer to ours noted.
  private mutating func receive(
    _ nopIn: NOPIn, connection index: Int
  ) throws(ProtocolViolation) {
    let header = nopIn.header
    if header.initiatorTaskTag != .reserved {
      guard header.initiatorTaskTag == Tag.ping, connections[index].pingedAt != 0
      else { throw .unknownTask(.nopIn, header.initiatorTaskTag) }
      try connections[index].machine.advanceStatus(from: header)
      connections[index].endPing(.answered(nanoseconds: now &- connections[index].pingedAt))
      return
    }
    guard header.targetTransferTag != .reserved else { return }
    guard connections[index].transmit.freeCount > 0 else {
      // A target that asks faster than it takes answers is not well.
      throw .tooManyToAnswer(.nopIn, limit: connections[index].transmit.count)
    }
    let answer = NOPOut(
      logicalUnit: nopIn.logicalUnit, initiatorTaskTag: .reserved,
      targetTransferTag: header.targetTransferTag, cmdSN: window(of: index).cmdSN,
      expStatSN: connections[index].machine.expStatSN)
    unsafe connections[index].transmit.append(
      answer.header, parameters: connections[index].machine.parameters)
  }

  /// The target has answered a Logout: the session is over, or comes back if the target began it.
  private mutating func receive(
    _ response: LogoutResponse, connection index: Int
  ) throws(ProtocolViolation) {
    let tag = response.header.initiatorTaskTag
    if let lost = recovery(tag, over: index) {
      try connections[index].machine.advanceStatus(from: response.header)
      return receiveRecovery(response, of: lost)
    }
    guard connections[index].state == .loggingOut, tag == Tag.logout else {
      throw .unknownTask(.logoutResponse, tag)
    }
    try connections[index].machine.advanceStatus(from: response.header)
    let session = Int(connections[index].session)
    if connections[index].logoutReason == .closeConnection {
      return receiveClosing(response, connection: index)
    }
    let isLoggedOut = response.response == .closed
    if sessions[session].logout != nil, isLoggedOut {
      return release(session: session, end: .proven)
    }
    lose(
      session: session, .requestedByTarget(time2WaitSeconds: response.time2Wait),
      isLoggedOut: isLoggedOut)
  }

  /// Takes a task that has ended off its connection.
  mutating func leave(_ slot: Int, connection index: Int) {
    slots[slot].stage = .idle
    connections[index].inFlightCount -= 1
    sessions[Int(connections[index].session)].inFlightCount -= 1
    if connections[index].recovers { release(slot, connection: index) }
    if slots[slot].transfer.hasBurst { connections[index].bursts.remove(UInt16(slot)) }
  }

  /// A task has ended: its data must be whole before its status counts.
  ///
  /// - Parameter isCounted: as many PDUs have come as the target says it sent.
  mutating func conclude(
    _ slot: Int, status: SCSIStatus, sense: SenseData?, residual: Residual,
    isCounted: Bool = true
  ) {
    if slots[slot].kind == .control {
      guard isCounted else { return finishControl(slot, .aborted) }
      let empty = unsafe RawSpan(_unsafeStart: slots.memory(slot), byteCount: 0)
      return finishControl(slot, status, residual, empty)
    }
    // Who has more to move than our blocks come to has other blocks: none of it can be trusted.
    if case .overflow = residual, slots[slot].attempts == 0 { askForLook(slot) }
    // Of a write something may not even have left: whatever answered did not wait for it.
    let hasLeft = slots[slot].transfer.direction != .write || slots[slot].transmitsQueued == 0
    // Who answers with a list fills what room there is as far as the list goes.
    let hasMoved =
      slots[slot].step == .status || residual == .none && slots[slot].transfer.isWhole
    complete(slot, status: status, sense: sense, isWhole: isCounted && hasLeft && hasMoved)
  }
}
