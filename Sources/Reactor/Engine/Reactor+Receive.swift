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

  /// What a connection's socket is ready for.
  mutating func serve(connection index: Int, _ interest: EventPoll.Interest) {
    guard connections[index].isConnected else { return }
    if interest.contains(.writable) { awaitWritable(connection: index, false) }
    if interest.contains(.peerClosed) { connections[index].receivesToTheEnd = true }
    if !interest.isDisjoint(with: [.readable, .error, .hangup, .peerClosed]) {
      receive(connection: index)
    }
    connectionsToPump |= 1 << UInt64(index)
  }

  /// Watches the socket for room, or no longer.
  mutating func awaitWritable(connection index: Int, _ awaits: Bool) {
    guard connections[index].awaitsWritable != awaits else { return }
    connections[index].awaitsWritable = awaits
    if usesRing {
      if awaits { watchRoomByRing(connection: index) }
      return
    }
    do throws(Errno) {
      try poll.modify(
        connections[index].descriptor, awaits ? [.readable, .writable] : .readable,
        token: Token.firstConnection + UInt64(index))
    } catch {
      lose(connection: index, .socket(error))
    }
  }

  /// Receives until nothing is left, and parses what came.
  mutating func receive(connection index: Int) {
    for _ in 0..<Self.receivesATurn {
      guard connections[index].isConnected else { return }
      if !connections[index].isAmidUnit { connections[index].unitBeganAt = now }
      let (count, wanted) = receiveOnce(connection: index)
      guard count > 0 else {
        guard count != -Int(EAGAIN) else { return }
        return lose(
          connection: index,
          count == 0 ? .connectionClosed : .socket(Errno(rawValue: CInt(-count))))
      }
      connections[index].receivedAt = now
      connections[index].statistics.receivedBytes += UInt64(count)
      parse(connection: index)
      if connections[index].isAmidUnit {
        nextTick = min(
          nextTick,
          usesRing ? now &+ Interval.shortTick : connections[index].unitBeganAt &+ Interval.wholePDU
        )
      }
      if count < wanted, !connections[index].receivesToTheEnd { return }
    }
    // A ring tells of what is new, not of what is left.
    connectionsToReceive |= 1 << UInt64(index)
  }

  /// Goes on where the last turn left bytes in a socket.
  mutating func receiveLeftovers() {
    var left = connectionsToReceive
    connectionsToReceive = 0
    while left != 0 {
      serve(connection: left.trailingZeroBitCount, .readable)
      left &= left - 1
    }
  }

  /// One receive: payload under way into its slot's pages, what follows into the buffer.
  private mutating func receiveOnce(connection index: Int) -> (count: Int, wanted: Int) {
    let number = connections[index].descriptor
    // Before a large payload little more than its header is taken here; what a header has
    // announced, whole.
    let room = connections[index].receive.freeCount
    let pending = connections[index].receive.count
    let isSparing =
      connections[index].expectsLargePayload && pending < BasicHeaderSegment.byteCount + 8
    let bulk = isSparing ? min(room, Self.sparingReceive - pending) : room
    let remaining = connections[index].payloadRemaining
    let count: Int
    if remaining > 0 {
      let slot = connections[index].payloadSlot
      // SAFETY: the payload's range was checked against the slot's transfer, the rest is the
      // buffer's.
      count = unsafe Transfer.read(
        number, slots.memory(slot) + connections[index].payloadOffset, remaining,
        then: connections[index].receive.free, bulk)
    } else {
      count = unsafe Transfer.read(number, connections[index].receive.free, bulk)
    }
    guard count > 0 else { return (count, 1) }
    let payload = min(count, remaining)
    connections[index].payloadRemaining -= payload
    connections[index].payloadOffset += payload
    connections[index].receive.received(count - payload)
    return (count, remaining + bulk)
  }

  /// Parses PDUs until the bytes end within one.
  mutating func parse(connection index: Int) {
    while connections[index].isConnected {
      let goesOn: Bool
      switch connections[index].position {
      case .payload:
        guard connections[index].payloadRemaining == 0 else { return }
        connections[index].position = .trailer
        goesOn = true
      case .trailer: goesOn = parseTrailer(connection: index)
      case .discard: goesOn = parseDiscarded(connection: index)
      case .header: goesOn = parseHeader(connection: index)
      }
      if !goesOn { return }
      // One has ended: what is left began another.
      if connections[index].position == .header { connections[index].unitBeganAt = now }
    }
  }

  /// Parses one PDU, or its header when its payload goes elsewhere; false when bytes are missing.
  private mutating func parseHeader(connection index: Int) -> Bool {
    let parameters = connections[index].machine.parameters
    let available = connections[index].receive.count
    guard available >= BasicHeaderSegment.byteCount else { return wait(connection: index) }
    let start = unsafe connections[index].receive.unparsed
    // SAFETY: `available` bytes lie at `start`.
    let header = unsafe BasicHeaderSegment(
      parsing: RawSpan(_unsafeStart: start, byteCount: available))
    let length = header.dataSegmentLength
    guard length <= Int(parameters.maxRecvDataSegmentLength) else {
      return reject(
        connection: index,
        .dataSegmentTooLong(
          opcode: header.opcode, length: length,
          limit: Int(parameters.maxRecvDataSegmentLength)))
    }
    let covered = BasicHeaderSegment.byteCount + Int(header.totalAHSLength) * 4
    let headerLength = covered + (parameters.headerDigest ? 4 : 0)
    guard available >= headerLength else { return wait(connection: index) }
    if parameters.headerDigest, let error = unsafe headerDigestError(start, covered) {
      return reject(connection: index, error)
    }
    let total = header.wireLength(
      headerDigest: parameters.headerDigest, dataDigest: parameters.dataDigest)
    if header.opcode == .dataIn && length > 0 {
      return dispatchDataIn(header, headerLength: headerLength, total: total, connection: index)
    }
    guard total <= connections[index].receive.capacity else {
      return reject(
        connection: index,
        .dataSegmentTooLong(
          opcode: header.opcode, length: length, limit: connections[index].receive.capacity))
    }
    guard available >= total else { return wait(connection: index) }
    let data = unsafe RawSpan(_unsafeStart: start + headerLength, byteCount: total - headerLength)
    if parameters.dataDigest, length > 0 {
      let padded = (length + 3) & ~3
      if let error = Self.dataDigestError(
        data.extracting(first: length), data.extracting(length..<padded + 4), header.opcode)
      {
        guard refuse(header, error, connection: index) else { return false }
        connections[index].receive.consume(total)
        return true
      }
    }
    unsafe observe(
      received: header, at: start, headerLength: headerLength, byteCount: total, connection: index)
    dispatch(header, data.extracting(first: length), connection: index)
    if connections[index].isConnected { connections[index].receive.consume(total) }
    return true
  }

  /// Bytes are missing: makes room for the rest of the PDU they belong to.
  private func wait(connection index: Int) -> Bool {
    connections[index].receive.compact()
    return false
  }

  /// Ends a connection whose bytes cannot be trusted.
  mutating func reject(connection index: Int, _ error: PDUError) -> Bool {
    lose(connection: index, .malformed(error))
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
