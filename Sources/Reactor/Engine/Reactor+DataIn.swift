import ISCSI
import LinuxIO
import LogicalUnit
import SCSI
import Wire

/// Data-In: straight from the receive buffer to the caller when it comes in one piece, straight
/// into the slot's pages when it does not.
extension Reactor {
  /// From this size on a Data-In's payload is received where it will be answered from.
  private static let largePayload = 16 * 1024

  /// Takes a Data-In whose header stands at the start of the buffer; false when bytes are missing.
  mutating func dispatchDataIn(
    _ header: BasicHeaderSegment, headerLength: Int, total: Int, connection index: Int
  ) -> Bool {
    let length = header.dataSegmentLength
    let available = connections[index].receive.count
    let isWhole = available >= total
    // A small PDU is waited for: it is worth answering in one piece.
    if !isWhole && length < Self.largePayload
      && total <= connections[index].receive.capacity
    {
      connections[index].receive.compact()
      return false
    }
    let dataIn = DataIn(header)
    connections[index].expectsLargePayload = length >= Self.largePayload
    let recovers = connections[index].recovers
    let wanted = recovers ? admit(dataIn, connection: index) : accept(dataIn, connection: index)
    guard connections[index].isConnected else { return false }
    let payload = unsafe connections[index].receive.unparsed + headerLength
    unsafe observe(
      received: header, at: payload - headerLength, headerLength: headerLength,
      byteCount: isWhole ? total : 0, connection: index)
    guard let slot = wanted else { return discard(total, connection: index) }
    let present = min(available - headerLength, length)
    if isWhole {
      if connections[index].machine.parameters.dataDigest,
        let error = Self.dataDigestError(
          unsafe RawSpan(_unsafeStart: payload, byteCount: length),
          unsafe RawSpan(
            _unsafeStart: payload + length, byteCount: total - headerLength - length),
          .dataIn)
      {
        guard refuse(dataIn, error, slot: slot, connection: index) else { return false }
        connections[index].receive.consume(total)
        return true
      }
      if !recovers, unsafe answerInPlace(dataIn, slot: slot, payload: payload, connection: index) {
        if connections[index].isConnected { connections[index].receive.consume(total) }
        return true
      }
    }
    if !isWhole { slots[slot].transfer.expose(to: dataIn, record: slots.records[slot]) }
    let offset = slots[slot].memoryOffset + Int(dataIn.bufferOffset)
    // SAFETY: `accept` has checked that offset and length lie in the slot's transfer.
    unsafe (slots.memory(slot) + offset).copyMemory(from: payload, byteCount: present)
    if isWhole {
      connections[index].receive.consume(total)
      finishDataIn(dataIn, slot: slot, connection: index)
    } else {
      connections[index].receive.consume(headerLength + present)
      connections[index].position = .payload
      connections[index].payloadHeader = header
      connections[index].payloadSlot = slot
      connections[index].payloadOffset = offset + present
      connections[index].payloadRemaining = length - present
    }
    return true
  }

  /// Padding and digest of a Data-In whose payload has arrived; false when bytes are missing.
  mutating func parseTrailer(connection index: Int) -> Bool {
    let header = connections[index].payloadHeader
    let length = header.dataSegmentLength
    let hasDigest = connections[index].machine.parameters.dataDigest
    let trailerLength = (-length & 3) + (hasDigest ? 4 : 0)
    guard connections[index].receive.count >= trailerLength else {
      connections[index].receive.compact()
      return false
    }
    let slot = connections[index].payloadSlot
    let dataIn = DataIn(header)
    unsafe observe(
      payload: slots.memory(slot) + slots[slot].memoryOffset + Int(dataIn.bufferOffset),
      count: length, trailer: connections[index].receive.unparsed, trailerCount: trailerLength,
      connection: index)
    if hasDigest {
      let offset = slots[slot].memoryOffset + Int(dataIn.bufferOffset)
      let error = Self.dataDigestError(
        unsafe RawSpan(_unsafeStart: slots.memory(slot) + offset, byteCount: length),
        unsafe RawSpan(
          _unsafeStart: connections[index].receive.unparsed, byteCount: trailerLength),
        .dataIn)
      if let error {
        guard refuse(dataIn, error, slot: slot, connection: index) else { return false }
        connections[index].receive.consume(trailerLength)
        connections[index].position = .header
        return true
      }
    }
    connections[index].receive.consume(trailerLength)
    connections[index].position = .header
    finishDataIn(dataIn, slot: slot, connection: index)
    return true
  }

  /// Checks a Data-In against its task and counts it; nil when the session was lost over it.
  private mutating func accept(_ dataIn: DataIn, connection index: Int) -> Int? {
    do throws(ProtocolViolation) {
      let slot = try task(dataIn.header, connection: index)
      updateWindow(from: dataIn.header, connection: index)
      try slots[slot].transfer.receive(
        dataIn, parameters: connections[index].machine.parameters, record: &slots.records[slot])
      if dataIn.hasStatus { try connections[index].machine.advanceStatus(from: dataIn.header) }
      return slot
    } catch {
      lose(connection: index, .violation(error))
      return nil
    }
  }

  /// Answers a read from the receive buffer when this PDU is all of it, with GOOD status.
  private mutating func answerInPlace(
    _ dataIn: DataIn, slot: Int, payload: UnsafeMutableRawPointer, connection index: Int
  ) -> Bool {
    guard slots[slot].kind == .read, dataIn.hasStatus, dataIn.status == .good,
      dataIn.residual == Residual.none, dataIn.bufferOffset == 0,
      dataIn.header.dataSegmentLength == Int(slots[slot].transfer.expectedLength),
      slots[slot].commands.remaining.isEmpty,
      slots[slot].commands.byteOffset
        == UInt64(slots[slot].transfer.expectedLength)
    else { return false }
    leave(slot, connection: index)
    if !slots[slot].isAnswered {
      unsafe answer(
        slot: slot, inPlace: payload + Int(slots[slot].headFill),
        count: Int(slots[slot].resultLength))
    }
    end(slot)
    return true
  }

  /// A Data-In has been placed; its status, where it has one, ends the task.
  mutating func finishDataIn(_ dataIn: DataIn, slot: Int, connection index: Int) {
    if connections[index].recovers { return count(dataIn, slot: slot, connection: index) }
    guard dataIn.hasStatus else { return }
    guard let residual = dataIn.residual else {
      return lose(
        connection: index,
        .violation(.contradictoryResidual(flags: dataIn.header.flags)))
    }
    leave(slot, connection: index)
    conclude(slot, status: dataIn.status, sense: nil, residual: residual)
  }
}
