import Wire

/// PDUs by their bytes: the simulated target reads and writes them without the program's own views,
/// so that it shares no opinion with what it tests.
extension [UInt8] {
  func big(_ offset: Int, _ count: Int) -> UInt64 {
    var value: UInt64 = 0
    for index in offset..<offset + count { value = value << 8 | UInt64(self[index]) }
    return value
  }

  func big32(_ offset: Int) -> UInt32 { UInt32(big(offset, 4)) }

  mutating func put(_ value: UInt32, at offset: Int) {
    self[offset] = UInt8(value >> 24)
    self[offset + 1] = UInt8(value >> 16 & 0xFF)
    self[offset + 2] = UInt8(value >> 8 & 0xFF)
    self[offset + 3] = UInt8(value & 0xFF)
  }

  /// The CRC32C of a part, as it goes over the wire.
  func digest(_ range: Range<Int>) -> UInt32 {
    var digest = CRC32C()
    withRawSpan { digest.update($0.extracting(range)) }
    return digest.value.byteSwapped
  }
}

/// A PDU of the target's on its way: RFC 7143's byte numbers, nothing else.
struct TargetPDU {
  var header = [UInt8](repeating: 0, count: 48)
  var data: [UInt8] = []

  init(opcode: UInt8, flags: UInt8 = 0x80, tag: UInt32) {
    header[0] = opcode
    header[1] = flags
    header.put(tag, at: 16)
  }

  func encoded(headerDigest: Bool, dataDigest: Bool) -> [UInt8] {
    var bytes = header
    bytes[5] = UInt8(data.count >> 16)
    bytes[6] = UInt8(data.count >> 8 & 0xFF)
    bytes[7] = UInt8(data.count & 0xFF)
    if headerDigest {
      let digest = bytes.digest(0..<48)
      bytes.append(contentsOf: [0, 0, 0, 0])
      bytes.put(digest, at: 48)
    }
    guard !data.isEmpty else { return bytes }
    let start = bytes.count
    bytes += data
    bytes += [UInt8](repeating: 0, count: -data.count & 3)
    if dataDigest {
      let digest = bytes.digest(start..<bytes.count)
      bytes.append(contentsOf: [0, 0, 0, 0])
      bytes.put(digest, at: bytes.count - 4)
    }
    return bytes
  }
}
