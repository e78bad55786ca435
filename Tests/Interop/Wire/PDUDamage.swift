import ChaosProxy

/// One direction of a connection whose data segments are damaged on their way, every so many of
/// some opcodes.
///
/// Pure. Headers and digests stay as they were, so that the receiver finds the data wrong and
/// nothing else. Source: RFC 7143, 11.2.1.
struct PDUDamage: StreamFilter {
  private static let headerByteCount = 48
  /// Login PDUs have no digests, whatever is agreed on in them (13.1).
  private static let loginOpcodes: Set<UInt8> = [0x03, 0x23]

  /// Whose data are damaged.
  let opcodes: Set<UInt8>
  /// The last of every so many PDUs with data.
  let period: Int
  /// PDUs damaged at most.
  let limit: Int
  /// PDUs with data in full feature phase end with a digest.
  let hasDataDigest: Bool
  /// PDUs damaged so far.
  private(set) var count = 0
  private var seen = 0
  private var header: [UInt8] = []
  /// Bytes of the PDU under way behind its header, and where in them the next byte stands.
  private var length = 0
  private var position = 0
  /// Which of them is damaged.
  private var target: Int?

  init(opcodes: Set<UInt8>, period: Int, limit: Int, hasDataDigest: Bool) {
    self.opcodes = opcodes
    self.period = period
    self.limit = limit
    self.hasDataDigest = hasDataDigest
  }

  /// What arrives of these bytes.
  mutating func pass(_ bytes: ArraySlice<UInt8>) -> [UInt8] {
    var output: [UInt8] = []
    for byte in bytes {
      guard header.count == Self.headerByteCount else {
        header.append(byte)
        output.append(byte)
        if header.count == Self.headerByteCount { begin() }
        continue
      }
      output.append(position == target ? byte ^ 0x10 : byte)
      position += 1
      if position == length { header.removeAll(keepingCapacity: true) }
    }
    return output
  }

  private mutating func begin() {
    let opcode = header[0] & 0x3F
    let additional = Int(header[4]) * 4
    let data = Int(header[5]) << 16 | Int(header[6]) << 8 | Int(header[7])
    let hasDigest = hasDataDigest && data > 0 && !Self.loginOpcodes.contains(opcode)
    length = additional + (data + 3) & ~3 + (hasDigest ? 4 : 0)
    position = 0
    target = nil
    if opcodes.contains(opcode), data > 0 {
      seen += 1
      if seen % period == 0, count < limit {
        target = additional + data / 2
        count += 1
      }
    }
    if length == 0 { header.removeAll(keepingCapacity: true) }
  }
}
