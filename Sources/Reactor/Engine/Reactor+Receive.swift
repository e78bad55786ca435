import CLinux
import Glibc
import ISCSI
import LinuxIO
import SystemPackage
import Wire

/// Bytes from the targets, on their way to where they belong.
extension Reactor {
  /// Receives of one connection in one turn, so that others get theirs.
  private static let receivesATurn = 16
  /// What is received at once where a large payload may follow: several answers without payload,
  /// and little of a payload, which is then copied.
  private static let sparingReceive = 512

  /// What a session's socket is ready for.
  mutating func serve(session index: Int, _ interest: EventPoll.Interest) {
    guard sessions[index].isConnected else { return }
    if interest.contains(.writable) { awaitWritable(session: index, false) }
    if interest.contains(.peerClosed) { sessions[index].receivesToTheEnd = true }
    if !interest.isDisjoint(with: [.readable, .error, .hangup, .peerClosed]) {
      receive(session: index)
    }
    sessionsToPump |= 1 << UInt64(index)
  }

  /// Watches the socket for room, or no longer.
  mutating func awaitWritable(session index: Int, _ awaits: Bool) {
    guard sessions[index].awaitsWritable != awaits else { return }
    sessions[index].awaitsWritable = awaits
    if usesRing {
      if awaits { watchRoomByRing(session: index) }
      return
    }
    do throws(Errno) {
      try poll.modify(
        sessions[index].descriptor, awaits ? [.readable, .writable] : .readable,
        token: Token.firstSession + UInt64(index))
    } catch {
      lose(session: index, .socket(error))
    }
  }

  /// Receives until nothing is left, and parses what came.
  mutating func receive(session index: Int) {
    for _ in 0..<Self.receivesATurn {
      guard sessions[index].isConnected else { return }
      if !sessions[index].isAmidUnit { sessions[index].unitBeganAt = now }
      let (count, wanted) = receiveOnce(session: index)
      guard count > 0 else {
        guard count != -Int(EAGAIN) else { return }
        return lose(
          session: index,
          count == 0 ? .connectionClosed : .socket(Errno(rawValue: CInt(-count))))
      }
      sessions[index].receivedAt = now
      sessions[index].statistics.receivedBytes += UInt64(count)
      parse(session: index)
      if sessions[index].isAmidUnit {
        nextTick = min(
          nextTick,
          usesRing ? now &+ Interval.shortTick : sessions[index].unitBeganAt &+ Interval.wholePDU)
      }
      if count < wanted, !sessions[index].receivesToTheEnd { return }
    }
    // A ring tells of what is new, not of what is left.
    sessionsToReceive |= 1 << UInt64(index)
  }

  /// Goes on where the last turn left bytes in a socket.
  mutating func receiveLeftovers() {
    var left = sessionsToReceive
    sessionsToReceive = 0
    while left != 0 {
      serve(session: left.trailingZeroBitCount, .readable)
      left &= left - 1
    }
  }

  /// One receive: payload under way into its slot's pages, what follows into the buffer.
  private mutating func receiveOnce(session index: Int) -> (count: Int, wanted: Int) {
    let number = sessions[index].descriptor
    // Before a large payload little more than its header is taken here; what a header has
    // announced, whole.
    let room = sessions[index].receive.freeCount
    let pending = sessions[index].receive.count
    let isSparing =
      sessions[index].expectsLargePayload && pending < BasicHeaderSegment.byteCount + 8
    let bulk = isSparing ? min(room, Self.sparingReceive - pending) : room
    let remaining = sessions[index].payloadRemaining
    let count: Int
    if remaining > 0 {
      let slot = sessions[index].payloadSlot
      // SAFETY: the payload's range was checked against the slot's transfer, the rest is the
      // buffer's.
      count = unsafe Transfer.read(
        number, slots.memory(slot) + sessions[index].payloadOffset, remaining,
        then: sessions[index].receive.free, bulk)
    } else {
      count = unsafe Transfer.read(number, sessions[index].receive.free, bulk)
    }
    guard count > 0 else { return (count, 1) }
    let payload = min(count, remaining)
    sessions[index].payloadRemaining -= payload
    sessions[index].payloadOffset += payload
    sessions[index].receive.received(count - payload)
    return (count, remaining + bulk)
  }

  /// Parses PDUs until the bytes end within one.
  mutating func parse(session index: Int) {
    while sessions[index].isConnected {
      let goesOn: Bool
      switch sessions[index].position {
      case .payload:
        guard sessions[index].payloadRemaining == 0 else { return }
        sessions[index].position = .trailer
        goesOn = true
      case .trailer: goesOn = parseTrailer(session: index)
      case .discard: goesOn = parseDiscarded(session: index)
      case .header: goesOn = parseHeader(session: index)
      }
      if !goesOn { return }
      // One has ended: what is left began another.
      if sessions[index].position == .header { sessions[index].unitBeganAt = now }
    }
  }

  /// Parses one PDU, or its header when its payload goes elsewhere; false when bytes are missing.
  private mutating func parseHeader(session index: Int) -> Bool {
    let parameters = sessions[index].machine.parameters
    let available = sessions[index].receive.count
    guard available >= BasicHeaderSegment.byteCount else { return wait(session: index) }
    let start = unsafe sessions[index].receive.unparsed
    // SAFETY: `available` bytes lie at `start`.
    let header = unsafe BasicHeaderSegment(
      parsing: RawSpan(_unsafeStart: start, byteCount: available))
    let length = header.dataSegmentLength
    guard length <= Int(parameters.maxRecvDataSegmentLength) else {
      return reject(
        session: index,
        .dataSegmentTooLong(
          opcode: header.opcode, length: length,
          limit: Int(parameters.maxRecvDataSegmentLength)))
    }
    let covered = BasicHeaderSegment.byteCount + Int(header.totalAHSLength) * 4
    let headerLength = covered + (parameters.headerDigest ? 4 : 0)
    guard available >= headerLength else { return wait(session: index) }
    if parameters.headerDigest, let error = unsafe headerDigestError(start, covered) {
      return reject(session: index, error)
    }
    let total = header.wireLength(
      headerDigest: parameters.headerDigest, dataDigest: parameters.dataDigest)
    if header.opcode == .dataIn && length > 0 {
      return dispatchDataIn(header, headerLength: headerLength, total: total, session: index)
    }
    guard total <= sessions[index].receive.capacity else {
      return reject(
        session: index,
        .dataSegmentTooLong(
          opcode: header.opcode, length: length, limit: sessions[index].receive.capacity))
    }
    guard available >= total else { return wait(session: index) }
    let data = unsafe RawSpan(_unsafeStart: start + headerLength, byteCount: total - headerLength)
    if parameters.dataDigest, length > 0 {
      let padded = (length + 3) & ~3
      if let error = Self.dataDigestError(
        data.extracting(first: length), data.extracting(length..<padded + 4), header.opcode)
      {
        guard refuse(header, error, session: index) else { return false }
        sessions[index].receive.consume(total)
        return true
      }
    }
    unsafe observe(
      received: header, at: start, headerLength: headerLength, byteCount: total, session: index)
    dispatch(header, data.extracting(first: length), session: index)
    if sessions[index].isConnected { sessions[index].receive.consume(total) }
    return true
  }

  /// Bytes are missing: makes room for the rest of the PDU they belong to.
  private func wait(session index: Int) -> Bool {
    sessions[index].receive.compact()
    return false
  }

  /// Ends a connection whose bytes cannot be trusted.
  mutating func reject(session index: Int, _ error: PDUError) -> Bool {
    lose(session: index, .malformed(error))
    return false
  }

  /// Nil when the digest behind `covered` bytes at `start` is right.
  private func headerDigestError(
    _ start: UnsafeMutableRawPointer, _ covered: Int
  ) -> PDUError? {
    var digest = CRC32C()
    // SAFETY: the caller has seen that `covered` + 4 bytes lie at `start`.
    let span = unsafe RawSpan(_unsafeStart: start, byteCount: covered + 4)
    digest.update(span.extracting(first: covered))
    let found = span.bigEndian(at: covered, as: UInt32.self).byteSwapped
    return found == digest.value ? nil : .headerDigest(expected: digest.value, found: found)
  }

  /// Nil when the digest that ends `trailer`, behind the padding, is right for data and padding.
  static func dataDigestError(
    _ data: borrowing RawSpan, _ trailer: borrowing RawSpan, _ opcode: Opcode
  ) -> PDUError? {
    var digest = CRC32C()
    digest.update(data)
    let padding = trailer.byteCount - 4
    digest.update(trailer.extracting(first: padding))
    let found = trailer.bigEndian(at: padding, as: UInt32.self).byteSwapped
    return found == digest.value
      ? nil : .dataDigest(opcode: opcode, expected: digest.value, found: found)
  }
}
