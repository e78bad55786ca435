import Wire

/// Puts PDUs together from bytes that arrive in any pieces, for login, text and the simulator.
///
/// It holds at most one PDU's bytes more than it was given, and refuses a length above its limits
/// before keeping anything of it. The I/O path has `ReceiveMachine` instead.
package struct PDUAssembler: Sendable {
  /// The largest data segment accepted, in bytes (MaxRecvDataSegmentLength as declared).
  package var maximumDataSegmentLength: Int
  package var headerDigest = false
  package var dataDigest = false
  private var buffer: [UInt8] = []

  package init(maximumDataSegmentLength: Int) {
    self.maximumDataSegmentLength = maximumDataSegmentLength
  }

  /// Bytes received that do not make up a whole PDU yet.
  package var pendingByteCount: Int { buffer.count }

  /// Bytes received and not yet given out by `next()`, for a handover to another receiver.
  package consuming func remainder() -> [UInt8] { buffer }

  /// Takes what arrived.
  package mutating func append(_ bytes: some Sequence<UInt8>) {
    buffer.append(contentsOf: bytes)
  }

  /// The next whole PDU, or nil until more bytes arrive.
  package mutating func next() throws(PDUError) -> ProtocolDataUnit? {
    guard buffer.count >= BasicHeaderSegment.byteCount else { return nil }
    let header = buffer.withRawSpan { BasicHeaderSegment(parsing: $0) }
    let length = header.dataSegmentLength
    guard length <= maximumDataSegmentLength else {
      throw .dataSegmentTooLong(
        opcode: header.opcode, length: length, limit: maximumDataSegmentLength)
    }
    let total = header.wireLength(headerDigest: headerDigest, dataDigest: dataDigest)
    guard buffer.count >= total else { return nil }

    let headerEnd = BasicHeaderSegment.byteCount + Int(header.totalAHSLength) * 4
    var position = headerEnd
    if headerDigest {
      let (expected, found) = digests(of: 0..<headerEnd)
      guard expected == found else { throw .headerDigest(expected: expected, found: found) }
      position += 4
    }
    let data = position..<position + length
    if dataDigest && length > 0 {
      // The padding is part of what the digest covers, as received (RFC 7143, 11.2.3).
      let (expected, found) = digests(of: position..<position + ((length + 3) & ~3))
      guard expected == found else {
        throw .dataDigest(opcode: header.opcode, expected: expected, found: found)
      }
    }
    let unit = ProtocolDataUnit(
      header: header,
      additionalHeader: Array(buffer[BasicHeaderSegment.byteCount..<headerEnd]),
      data: Array(buffer[data]))
    buffer.removeFirst(total)
    return unit
  }

  /// The computed digest of a range and the one that follows it on the wire.
  private func digests(of range: Range<Int>) -> (expected: UInt32, found: UInt32) {
    var digest = CRC32C()
    Array(buffer[range]).withRawSpan { digest.update($0) }
    let found = buffer.withRawSpan { $0.bigEndian(at: range.upperBound, as: UInt32.self) }
    return (digest.value, found.byteSwapped)
  }
}
