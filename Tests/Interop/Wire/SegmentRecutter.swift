/// Cuts the TCP segments of a capture anew, so that none ends within the header of a PDU.
///
/// tshark 4.0 loses the place where PDUs begin when a segment ends with fewer than eight bytes of
/// a header: what follows is then shown as garbage, or as answers to commands nobody sent. Which
/// bytes went over the wire, and when, stays as it was.
struct SegmentRecutter {
  private struct Flow {
    var walk = PDUWalk()
    /// The begun header that waits for the next segment.
    var held: [UInt8] = []
    /// The sequence number of the next byte that was not seen.
    var next: UInt32
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
    let payload: Range<Int>
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
      record: record, tcp: tcp, payload: start..<record.upperBound,
      ports: (UInt16(number(at: tcp) >> 16), UInt16(number(at: tcp) & 0xFFFF)))
  }

  private mutating func take(_ packet: Packet) throws(InteropFailure) {
    if capture[packet.tcp + 13] & 0x02 != 0 {  // SYN: a connection begins
      flows[name(packet)] = Flow(next: sequence(packet) &+ 1)
      digests[peer(packet)] = PDUWalk.Digests()
    }
    guard !packet.payload.isEmpty, var flow = flows[name(packet)] else {
      output += capture[packet.record]
      return
    }
    let distance = Int32(bitPattern: sequence(packet) &- flow.next)
    guard distance <= 0 else {
      guard flow.early.count < Self.earlyLimit else { throw lack(flow) }
      flows[name(packet)]?.early.append(packet)
      return
    }
    // Bytes that came before are not cut again.
    guard distance == 0 else {
      output += capture[packet.record]
      return
    }
    cut(packet, &flow)
    while let index = flow.early.firstIndex(where: { sequence($0) == flow.next }) {
      cut(flow.early.remove(at: index), &flow)
    }
    flows[name(packet)] = flow
  }

  private func lack(_ flow: Flow) -> InteropFailure {
    InteropFailure("the capture lacks the bytes from \(flow.next) on")
  }

  /// Puts the next packet of its flow out, without a header that is not whole.
  private mutating func cut(_ packet: Packet, _ flow: inout Flow) {
    let sequence = sequence(packet)
    flow.next = sequence &+ UInt32(packet.payload.count)
    let open = flow.walk.advance(
      over: capture[packet.payload], digests: &digests[peer(packet), default: PDUWalk.Digests()])
    let first = sequence &- UInt32(flow.held.count)
    var bytes = flow.held + capture[packet.payload]
    flow.held = Array(bytes.suffix(open))
    bytes.removeLast(open)
    // What was held may not fit into the packet any more: its header goes ahead.
    let ahead = bytes.count > packet.payload.count ? PDUWalk.headerCount : 0
    if ahead > 0 { append(packet, bytes[..<ahead], sequence: first) }
    append(packet, bytes[ahead...], sequence: first &+ UInt32(ahead))
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

  /// The packet with other bytes; its checksums are no longer right, and tshark looks at none.
  private mutating func append(_ packet: Packet, _ bytes: ArraySlice<UInt8>, sequence: UInt32) {
    let start = output.count
    let ip = start + Self.recordHeader + Self.linkHeader
    output += capture[packet.record.lowerBound..<packet.payload.lowerBound]
    output += bytes
    let length = UInt32(output.count - start - Self.recordHeader)
    store(length.byteSwapped, at: start + 8)
    store(length.byteSwapped, at: start + 12)
    let total = output.count - ip
    (output[ip + 2], output[ip + 3]) = (UInt8(total >> 8), UInt8(total & 0xFF))
    store(sequence, at: start + packet.tcp - packet.record.lowerBound + 4)
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
