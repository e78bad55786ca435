/// Cuts the TCP segments of a capture anew, so that none ends within the header of a PDU and none
/// has two, and takes the data digests out, which it judges itself.
///
/// tshark 4.0 loses the place where PDUs begin when a segment ends with fewer than eight bytes of
/// a header. And it learns whether a connection has data digests by trying, from the first PDU with
/// data that lies whole, its digest too, in what it was given at once; of those before that it
/// takes the digest for the beginning of the next PDU. What follows is then shown as garbage, or as
/// answers to commands nobody sent. Of several PDUs in a segment it does not say which field is
/// whose. The other bytes, and when they were sent, stay as they were.
struct SegmentRecutter {
  private struct Flow {
    var walk = PDUWalk()
    /// The begun header that waits for the next segment.
    var held: [UInt8] = []
    /// The sequence number of the next byte that was not seen.
    var next: UInt32
    /// Bytes of data digests taken out before it.
    var removed: UInt32 = 0
    /// Packets that were captured before one that was sent before them: two processors feed the
    /// loopback interface.
    var early: [Packet] = []
  }

  /// Packets captured out of order at once.
  private static let earlyLimit = 256

  /// One packet of the capture: where its parts begin in the file.
  private struct Packet {
    let record: Range<Int>
    let tcp: Int
    /// Where the headers end.
    let start: Int
    /// The bytes that have not been seen before.
    var payload: Range<Int>
    let ports: (source: UInt16, destination: UInt16)
  }

  private static let fileHeader = 24
  private static let recordHeader = 16
  private static let linkHeader = 14

  private let capture: [UInt8]
  private let targetPort: UInt16
  private var flows: [UInt32: Flow] = [:]
  private var digests: [UInt16: PDUWalk.Digests] = [:]
  private(set) var output: [UInt8]
  /// Data digests that are right, and those that are not, by the port they went to.
  private(set) var right: [UInt16: Int] = [:]
  private(set) var wrong: [UInt16: Int] = [:]

  /// `capture` is a pcap file (little-endian, Ethernet) of one target's port.
  init(_ capture: [UInt8], targetPort: UInt16) throws(InteropFailure) {
    guard capture.count >= Self.fileHeader, capture.starts(with: [0xD4, 0xC3, 0xB2, 0xA1]),
      capture[20] == 1
    else { throw InteropFailure("the capture is no pcap file of Ethernet packets") }
    self.capture = capture
    self.targetPort = targetPort
    output = Array(capture.prefix(Self.fileHeader))
    output.reserveCapacity(capture.count + capture.count / 16)
  }

  mutating func run() throws(InteropFailure) {
    var offset = Self.fileHeader
    while offset < capture.count {
      guard offset + Self.recordHeader <= capture.count else {
        throw InteropFailure("the capture ends in a record")
      }
      let length = Int(number(at: offset + 8, littleEndian: true))
      let record = offset..<offset + Self.recordHeader + length
      guard record.upperBound <= capture.count else {
        throw InteropFailure("the capture ends in a packet")
      }
      if let packet = packet(record) { try take(packet) } else { output += capture[record] }
      offset = record.upperBound
    }
    if let flow = flows.values.first(where: { !$0.early.isEmpty }) { throw lack(flow) }
    for (name, flow) in flows { count(flow, to: UInt16(name & 0xFFFF)) }
  }

  private mutating func count(_ flow: Flow, to port: UInt16) {
    right[port, default: 0] += flow.walk.right
    wrong[port, default: 0] += flow.walk.wrong
  }

  /// The packet of `record`; nil for what carries no TCP over IPv4.
  private func packet(_ record: Range<Int>) -> Packet? {
    let ip = record.lowerBound + Self.recordHeader + Self.linkHeader
    guard ip + 40 <= record.upperBound, capture[ip - 2] == 8, capture[ip - 1] == 0,
      capture[ip + 9] == 6
    else { return nil }
    let tcp = ip + Int(capture[ip] & 0x0F) * 4
    let start = tcp + Int(capture[tcp + 12] >> 4) * 4
    guard start <= record.upperBound else { return nil }
    return Packet(
      record: record, tcp: tcp, start: start, payload: start..<record.upperBound,
      ports: (UInt16(number(at: tcp) >> 16), UInt16(number(at: tcp) & 0xFFFF)))
  }

  private mutating func take(_ packet: Packet) throws(InteropFailure) {
    if capture[packet.tcp + 13] & 0x02 != 0 {  // SYN: a connection begins
      if let old = flows[name(packet)] { count(old, to: packet.ports.destination) }
      flows[name(packet)] = Flow(next: sequence(packet) &+ 1)
      digests[peer(packet)] = PDUWalk.Digests()
    }
    guard !packet.payload.isEmpty, var flow = flows[name(packet)] else {
      append(
        packet, capture[packet.payload],
        sequence: sequence(packet) &- (flows[name(packet)]?.removed ?? 0))
      return
    }
    guard distance(of: packet, in: flow) <= 0 else {
      guard flow.early.count < Self.earlyLimit else { throw lack(flow) }
      flows[name(packet)]?.early.append(packet)
      return
    }
    cut(packet, &flow)
    while let index = flow.early.firstIndex(where: { distance(of: $0, in: flow) <= 0 }) {
      cut(flow.early.remove(at: index), &flow)
    }
    flows[name(packet)] = flow
  }

  /// How far a packet's first byte is from the next one wanted.
  private func distance(of packet: Packet, in flow: Flow) -> Int {
    Int(Int32(bitPattern: sequence(packet) &- flow.next))
  }

  private func lack(_ flow: Flow) -> InteropFailure {
    InteropFailure("the capture lacks the bytes from \(flow.next) on")
  }

  /// Puts the next packet of its flow out, without a header that is not whole, and without what
  /// has been seen: tshark takes bytes sent again for new ones.
  private mutating func cut(_ packet: Packet, _ flow: inout Flow) {
    let seen = -distance(of: packet, in: flow)
    guard seen < packet.payload.count else { return }
    var packet = packet
    packet.payload = packet.payload.lowerBound + seen..<packet.payload.upperBound
    let sequence = flow.next
    flow.next = sequence &+ UInt32(packet.payload.count)
    let advance = flow.walk.advance(
      over: capture[packet.payload], digests: &digests[peer(packet), default: PDUWalk.Digests()])
    let first = sequence &- UInt32(flow.held.count) &- flow.removed
    var bytes = flow.held
    var start = packet.payload.lowerBound
    for digest in advance.digests {
      bytes += capture[start..<digest.lowerBound]
      start = digest.upperBound
      flow.removed &+= UInt32(digest.count)
    }
    bytes += capture[start..<packet.payload.upperBound]
    let starts = advance.starts.map { position in
      let digests = advance.digests.filter { $0.upperBound <= position }
      return flow.held.count + position - packet.payload.lowerBound
        - digests.reduce(0) { $0 + $1.count }
    }
    flow.held = Array(bytes.suffix(advance.open))
    bytes.removeLast(advance.open)
    var rest = bytes[...]
    for end in starts.filter({ 0 < $0 && $0 < bytes.count }) + [bytes.count] {
      append(packet, rest[..<end], from: first)
      rest = rest[end...]
    }
  }

  /// Puts bytes of a packet out, whose own first one has the number `first`.
  private mutating func append(_ packet: Packet, _ bytes: ArraySlice<UInt8>, from first: UInt32) {
    var bytes = bytes
    // What was held may not fit into the packet any more: its header goes ahead.
    if bytes.count > packet.payload.count {
      let header = bytes.prefix(PDUWalk.headerCount)
      append(packet, header, sequence: first &+ UInt32(bytes.startIndex))
      bytes = bytes.dropFirst(header.count)
    }
    append(packet, bytes, sequence: first &+ UInt32(bytes.startIndex))
  }

  /// The name of the other way.
  private func counterpart(_ packet: Packet) -> UInt32 {
    UInt32(packet.ports.destination) << 16 | UInt32(packet.ports.source)
  }

  private func sequence(_ packet: Packet) -> UInt32 { number(at: packet.tcp + 4) }

  /// A flow's name: its two ports.
  private func name(_ packet: Packet) -> UInt32 {
    UInt32(packet.ports.source) << 16 | UInt32(packet.ports.destination)
  }

  /// The initiator's port: a connection's name.
  private func peer(_ packet: Packet) -> UInt16 {
    packet.ports.source == targetPort ? packet.ports.destination : packet.ports.source
  }

  /// The packet with these bytes and this number; its checksums are no longer right, and tshark
  /// looks at none.
  private mutating func append(_ packet: Packet, _ bytes: ArraySlice<UInt8>, sequence: UInt32) {
    let start = output.count
    let ip = start + Self.recordHeader + Self.linkHeader
    output += capture[packet.record.lowerBound..<packet.start]
    output += bytes
    let length = UInt32(output.count - start - Self.recordHeader)
    store(length.byteSwapped, at: start + 8)
    store(length.byteSwapped, at: start + 12)
    let total = output.count - ip
    (output[ip + 2], output[ip + 3]) = (UInt8(total >> 8), UInt8(total & 0xFF))
    let tcp = start + packet.tcp - packet.record.lowerBound
    store(sequence, at: tcp + 4)
    let removed = flows[counterpart(packet)]?.removed ?? 0
    store(number(at: packet.tcp + 8) &- removed, at: tcp + 8)
  }

  private mutating func store(_ value: UInt32, at offset: Int) {
    for index in 0..<4 {
      output[offset + index] = UInt8(truncatingIfNeeded: value >> UInt32(24 - 8 * index))
    }
  }

  private func number(at offset: Int, littleEndian: Bool = false) -> UInt32 {
    let value = capture[offset..<offset + 4].reduce(0 as UInt32) { $0 << 8 | UInt32($1) }
    return littleEndian ? value.byteSwapped : value
  }
}
