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
    _ header: BasicHeaderSegment, headerLength: Int, total: Int, session index: Int
  ) -> Bool {
    let length = header.dataSegmentLength
    let available = sessions[index].receive.count
    let isWhole = available >= total
    // A small PDU is waited for: it is worth answering in one piece.
    if !isWhole && length < Self.largePayload
      && total <= sessions[index].receive.capacity
    {
      sessions[index].receive.compact()
      return false
    }
    let dataIn = DataIn(header)
    sessions[index].expectsLargePayload = length >= Self.largePayload
    let recovers = sessions[index].recovers
    let wanted = recovers ? admit(dataIn, session: index) : accept(dataIn, session: index)
    guard sessions[index].isConnected else { return false }
    let payload = unsafe sessions[index].receive.unparsed + headerLength
    unsafe observe(
      received: header, at: payload - headerLength, headerLength: headerLength,
      byteCount: isWhole ? total : 0, session: index)
    guard let slot = wanted else { return discard(total, session: index) }
    let present = min(available - headerLength, length)
    if isWhole {
      if sessions[index].machine.parameters.dataDigest,
        let error = Self.dataDigestError(
          unsafe RawSpan(_unsafeStart: payload, byteCount: length),
          unsafe RawSpan(
            _unsafeStart: payload + length, byteCount: total - headerLength - length),
          .dataIn)
      {
        guard refuse(dataIn, error, slot: slot, session: index) else { return false }
        sessions[index].receive.consume(total)
        return true
      }
      if !recovers, unsafe answerInPlace(dataIn, slot: slot, payload: payload, session: index) {
        if sessions[index].isConnected { sessions[index].receive.consume(total) }
        return true
      }
    }
    let offset = slots[slot].memoryOffset + Int(dataIn.bufferOffset)
    // SAFETY: `accept` has checked that offset and length lie in the slot's transfer.
    unsafe (slots.memory(slot) + offset).copyMemory(from: payload, byteCount: present)
    if isWhole {
      sessions[index].receive.consume(total)
      finishDataIn(dataIn, slot: slot, session: index)
    } else {
      sessions[index].receive.consume(headerLength + present)
      sessions[index].position = .payload
      sessions[index].payloadHeader = header
      sessions[index].payloadSlot = slot
      sessions[index].payloadOffset = offset + present
      sessions[index].payloadRemaining = length - present
    }
    return true
  }

  /// Padding and digest of a Data-In whose payload has arrived; false when bytes are missing.
  mutating func parseTrailer(session index: Int) -> Bool {
    let header = sessions[index].payloadHeader
    let length = header.dataSegmentLength
    let hasDigest = sessions[index].machine.parameters.dataDigest
    let trailerLength = (-length & 3) + (hasDigest ? 4 : 0)
    guard sessions[index].receive.count >= trailerLength else {
      sessions[index].receive.compact()
      return false
    }
    let slot = sessions[index].payloadSlot
    let dataIn = DataIn(header)
    unsafe observe(
      payload: slots.memory(slot) + slots[slot].memoryOffset + Int(dataIn.bufferOffset),
      count: length, trailer: sessions[index].receive.unparsed, trailerCount: trailerLength,
      session: index)
    if hasDigest {
      let offset = slots[slot].memoryOffset + Int(dataIn.bufferOffset)
      let error = Self.dataDigestError(
        unsafe RawSpan(_unsafeStart: slots.memory(slot) + offset, byteCount: length),
        unsafe RawSpan(
          _unsafeStart: sessions[index].receive.unparsed, byteCount: trailerLength),
        .dataIn)
      if let error {
        guard refuse(dataIn, error, slot: slot, session: index) else { return false }
        sessions[index].receive.consume(trailerLength)
        sessions[index].position = .header
        return true
      }
    }
    sessions[index].receive.consume(trailerLength)
    sessions[index].position = .header
    finishDataIn(dataIn, slot: slot, session: index)
    return true
  }

  /// Checks a Data-In against its task and counts it; nil when the session was lost over it.
  private mutating func accept(_ dataIn: DataIn, session index: Int) -> Int? {
    do throws(ProtocolViolation) {
      let slot = try task(dataIn.header, session: index)
      sessions[index].machine.updateWindow(from: dataIn.header)
      try slots[slot].transfer.receive(
        dataIn, parameters: sessions[index].machine.parameters, record: &slots.records[slot])
      if dataIn.hasStatus { try sessions[index].machine.advanceStatus(from: dataIn.header) }
      return slot
    } catch {
      lose(session: index, .violation(error))
      return nil
    }
  }

  /// Answers a read from the receive buffer when this PDU is all of it, with GOOD status.
  private mutating func answerInPlace(
    _ dataIn: DataIn, slot: Int, payload: UnsafeMutableRawPointer, session index: Int
  ) -> Bool {
    guard slots[slot].kind == .read, dataIn.hasStatus, dataIn.status == .good,
      dataIn.residual == Residual.none, dataIn.bufferOffset == 0,
      dataIn.header.dataSegmentLength == Int(slots[slot].transfer.expectedLength),
      slots[slot].commands.remaining.isEmpty,
      slots[slot].commands.byteOffset
        == UInt64(slots[slot].transfer.expectedLength)
    else { return false }
    leave(slot, session: index)
    if !slots[slot].isAnswered {
      unsafe answer(
        slot: slot, inPlace: payload + Int(slots[slot].headFill),
        count: Int(slots[slot].resultLength))
    }
    end(slot)
    return true
  }

  /// A Data-In has been placed; its status, where it has one, ends the task.
  mutating func finishDataIn(_ dataIn: DataIn, slot: Int, session index: Int) {
    if sessions[index].recovers { return count(dataIn, slot: slot, session: index) }
    guard dataIn.hasStatus else { return }
    guard let residual = dataIn.residual else {
      return lose(
        session: index,
        .violation(.contradictoryResidual(flags: dataIn.header.flags)))
    }
    leave(slot, session: index)
    conclude(slot, status: dataIn.status, sense: nil, residual: residual)
  }
}
