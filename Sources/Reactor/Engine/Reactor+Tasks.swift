import ISCSI
import LogicalUnit
import SCSI
import SystemPackage
import Wire

/// SCSI tasks of slots: issued, queued on a session, sent.
extension Reactor {
  /// Issues the next command of the slot's range; its bytes lie at `base` and on.
  mutating func issueNext(_ index: Int, at base: Int) {
    guard let command = slots[index].commands.next() else {
      preconditionFailure("a transfer has a command left")
    }
    let unit = Int(slots[index].unit)
    slots[index].memoryOffset = base + Int(command.byteOffset)
    slots[index].cdb = command.commandDescriptorBlock
    slots[index].transfer = TransferState(
      direction: slots[index].commands.direction == .read ? .read : .write,
      expectedLength: command.byteCount)
    slots[index].lun = units[unit].lun
    enqueueNew(index)
  }

  /// Queues a command that has not been tried yet.
  mutating func enqueueNew(_ index: Int) {
    slots[index].attempts = 0
    slots[index].attentions = 0
    slots[index].backoffs = 0
    enqueue(index)
  }

  /// Queues the slot's command on the session of its unit that has the least to do, once its unit's
  /// queue has a place for it.
  mutating func enqueue(_ index: Int) {
    let unit = Int(slots[index].unit)
    guard slots[index].place == .taken || takePlace(index, unit: unit) else { return }
    guard slots[index].step != .hear else { return enqueueHearing(index) }
    var chosen: Int?
    for position in 0..<Int(units[unit].sessionCount) {
      guard let session = find(units[unit].sessions[position]), sessions[session].comesBack
      else { continue }
      guard let other = chosen else {
        chosen = session
        continue
      }
      let isBetter =
        sessions[session].isServing
        ? !sessions[other].isServing || load(session) < load(other) : isExpired(session: other)
      if isBetter { chosen = session }
    }
    guard let chosen else { return finish(index, error: .socketNotConnected) }
    guard !isExpired(session: chosen) else { return finish(index, error: .noLink) }
    enqueue(index, on: chosen)
  }

  /// Queues the slot's LUN command on a session.
  mutating func enqueue(_ index: Int, on session: Int) {
    slots[index].session = UInt16(session)
    slots[index].mayStillRun = false
    slots[index].stage = .queued
    sessions[session].pending.append(UInt16(index))
    connectionsToPump |= sessions[session].connections
  }

  private func load(_ session: Int) -> Int {
    Int(sessions[session].inFlightCount) + sessions[session].pending.count
  }

  /// Queues as much as the window and the transmit queue take, then sends it all at once.
  mutating func pump(connection index: Int) {
    guard connections[index].isConnected else { return }
    let session = Int(connections[index].session)
    if connections[index].isClosing { proceedClosing(connection: index) }
    repeat {
      sendCommands(of: session, from: index)
      while connections[index].transmit.hasRoom, let slot = connections[index].bursts.peek {
        sendSegment(Int(slot), on: index)
      }
      guard !connections[index].awaitsWritable, !connections[index].transmit.isEmpty else { return }
      guard flush(connection: index) else { return }
    } while true
  }

  /// Queues the session's commands, as far as its window and its connections take them.
  private mutating func sendCommands(of session: Int, from index: Int) {
    while sessions[session].hasCommandToSend, let connection = carrier(of: session),
      let slot = sessions[session].nextCommand()
    {
      sendCommand(Int(slot), on: connection)
      if connection != index { connectionsToPump |= 1 << UInt64(connection) }
    }
  }

  /// The connection that carries the session's next command, of several the one with the fewest;
  /// nil when none has room.
  func carrier(of session: Int) -> Int? {
    let all = sessions[session].connections
    guard all & (all &- 1) != 0 else {
      let only = all.trailingZeroBitCount
      return all != 0 && connections[only].takesCommands ? only : nil
    }
    var chosen: Int?
    var rest = all
    while rest != 0 {
      let next = rest.trailingZeroBitCount
      rest &= rest - 1
      // What is numbered and cannot leave would hold up those behind it on the others.
      guard connections[next].takesCommands, !connections[next].awaitsWritable else { continue }
      if let chosen, connections[chosen].inFlightCount <= connections[next].inFlightCount {
        continue
      }
      chosen = next
    }
    return chosen
  }

  /// Gives the slot's command its number and tag and queues it.
  private mutating func sendCommand(_ slot: Int, on connection: Int) {
    let session = Int(connections[connection].session)
    slots[slot].generation &+= 1
    slots[slot].stage = .inFlight
    slots[slot].connection = UInt16(connection)
    slots[slot].sentAt = now
    slots[slot].isSuspect = false
    slots[slot].cmdSN = sessions[session].window.numberCommand()
    notePosition(slot)
    if connections[connection].recovers { slots.recoveries[slot] = TaskRecovery() }
    connections[connection].inFlightCount += 1
    sessions[session].inFlightCount += 1
    connections[connection].statistics.commands += 1
    queueCommand(slot, on: connection)
  }

  /// Queues the slot's SCSI Command, numbered before, with what may travel along.
  mutating func queueCommand(_ slot: Int, on connection: Int) {
    let direction = slots[slot].transfer.direction
    let expected = slots[slot].transfer.expectedLength
    let lengths = connections[connection].machine.unsolicitedLengths(
      expectedLength: direction == .write ? expected : 0)
    var command = SCSICommand(
      logicalUnit: slots[slot].lun,
      initiatorTaskTag: slots[slot].tag(index: slot),
      cdb: slots[slot].cdb,
      expectedDataTransferLength: expected,
      isRead: direction == .read,
      isWrite: direction == .write,
      isFinal: lengths.unsolicited == 0,
      cmdSN: slots[slot].cmdSN,
      expStatSN: connections[connection].machine.expStatSN)
    command.header.dataSegmentLength = Int(lengths.immediate)
    command.header.totalAHSLength = slots[slot].additionalHeaderWords
    queue(command.header, slot: slot, offset: 0, on: connection)
    if direction == .write {
      slots[slot].transfer.begin(
        immediateLength: lengths.immediate, unsolicitedLength: lengths.unsolicited,
        record: &slots.records[slot])
    }
    if lengths.unsolicited > 0 { connections[connection].bursts.append(UInt16(slot)) }
  }

  /// Queues the next Data-Out of the burst at the head of the connection's bursts.
  private mutating func sendSegment(_ slot: Int, on connection: Int) {
    let segment = slots[slot].transfer.nextSegment(
      maximumLength: connections[connection].machine.parameters.maxXmitDataSegmentLength,
      record: &slots.records[slot])
    if segment.isFinal { _ = connections[connection].bursts.popFirst() }
    let dataOut = DataOut(
      logicalUnit: slots[slot].lun,
      initiatorTaskTag: slots[slot].tag(index: slot),
      targetTransferTag: segment.burst.targetTransferTag,
      expStatSN: connections[connection].machine.expStatSN,
      dataSN: segment.burst.dataSN,
      bufferOffset: segment.burst.offset,
      length: Int(segment.length),
      isFinal: segment.isFinal)
    queue(dataOut.header, slot: slot, offset: Int(segment.burst.offset), on: connection)
  }

  /// Queues a PDU whose data segment lies in the slot's transfer at `offset`.
  private mutating func queue(
    _ header: BasicHeaderSegment, slot: Int, offset: Int, on connection: Int
  ) {
    let parameters = connections[connection].machine.parameters
    guard header.dataSegmentLength > 0 else {
      guard header.totalAHSLength > 0 else {
        unsafe connections[connection].transmit.append(header, parameters: parameters)
        return
      }
      slots[slot].transmitsQueued += 1
      // SAFETY: the slot's pages have room for the segments and a digest there.
      return unsafe connections[connection].transmit.append(
        header, additionalHeader: slots.memory(slot) + SlotMemory.request, slot: UInt16(slot),
        parameters: parameters)
    }
    slots[slot].transmitsQueued += 1
    // SAFETY: offset and length lie in the transfer, which lies in the slot's pages.
    unsafe connections[connection].transmit.append(
      header, payload: slots.memory(slot) + slots[slot].memoryOffset + offset,
      slot: UInt16(slot), parameters: parameters)
  }

  /// Sends what is queued; false when the socket is full or the connection lost by it.
  private mutating func flush(connection index: Int) -> Bool {
    let outcome = connections[index].transmit.send(
      on: connections[index].descriptor, slots, &connections[index].observer)
    connections[index].statistics.transmittedBytes += UInt64(outcome.byteCount)
    if outcome.byteCount > 0 { connections[index].transmittedAt = now }
    guard outcome.result < 0 else {
      let session = Int(connections[index].session)
      return sessions[session].hasCommandToSend && carrier(of: session) != nil
        || !connections[index].bursts.isEmpty
    }
    let error = Errno(rawValue: CInt(-outcome.result))
    if error == .wouldBlock || error == .resourceTemporarilyUnavailable {
      awaitWritable(connection: index, true)
    } else {
      lose(connection: index, .socket(error))
    }
    return false
  }
}
