/// Where the PDUs of one TCP flow begin, found by their lengths alone.
///
/// Shares no line with what iscsifs frames its PDUs by. Of Login Responses the text is looked at:
/// it says whether digests follow headers and data (RFC 7143, 11.2.1 and 11.2.3).
struct PDUWalk {
  /// What the login of a connection agreed on, for both of its flows.
  struct Digests: Equatable {
    var header = false
    var data = false
    /// In force from the full feature phase on.
    var isInForce = false
  }

  /// What one call has gone over.
  struct Advance: Equatable {
    /// Bytes at the end, those of earlier calls among them, that are a header that is not whole
    /// (0 to 47).
    var open = 0
    /// Where bytes of data digests stand.
    var digests: [Range<Int>] = []
    /// Where headers begin.
    var starts: [Int] = []
  }

  static let headerCount = 48
  private static let loginResponse: UInt8 = 0x23

  /// The begun header, or a whole Login Response up to here.
  private var kept: [UInt8] = []
  /// Bytes of the begun PDU behind its header that are still to come.
  private var missing = 0
  /// Those of them that are the data digest.
  private var digestCount = 0
  /// Those of them that are the data and what they are padded with.
  private var dataCount = 0
  private var crc = TableCRC32C()
  /// The digest of the PDU under way, as far as it has come, its first byte lowest.
  private var found: UInt32 = 0

  /// Data digests that are right, and those that are not.
  private(set) var right = 0
  private(set) var wrong = 0

  /// Goes over the next bytes of the flow.
  mutating func advance(over bytes: ArraySlice<UInt8>, digests: inout Digests) -> Advance {
    var advance = Advance()
    var rest = bytes
    while !rest.isEmpty {
      if missing == 0 {
        if kept.isEmpty { advance.starts.append(rest.startIndex) }
        let part = rest.prefix(Self.headerCount - kept.count)
        kept += part
        rest = rest.dropFirst(part.count)
        guard kept.count == Self.headerCount else { break }
        begin(digests)
      } else {
        let part = rest.prefix(nextBoundary)
        if isLoginResponse { kept += part }
        take(part, &advance)
        rest = rest.dropFirst(part.count)
      }
      if missing == 0 { finish(&digests) }
    }
    advance.open = missing == 0 ? kept.count : 0
    return advance
  }

  /// How many of the missing bytes are of the kind of the next one.
  private var nextBoundary: Int {
    if missing > dataCount + digestCount { return missing - dataCount - digestCount }
    return missing > digestCount ? missing - digestCount : missing
  }

  private mutating func take(_ part: ArraySlice<UInt8>, _ advance: inout Advance) {
    if missing <= digestCount {
      advance.digests.append(part.startIndex..<part.endIndex)
      for byte in part { found = found >> 8 | UInt32(byte) << 24 }
      if part.count == missing {
        if found == crc.value { right += 1 } else { wrong += 1 }
      }
    } else if missing <= dataCount + digestCount {
      if digestCount > 0 { crc.update(part) }
    }
    missing -= part.count
  }

  private var isLoginResponse: Bool { kept[0] & 0x3F == Self.loginResponse }

  /// Takes what follows the header of `kept`.
  private mutating func begin(_ digests: Digests) {
    let data = kept[5...7].reduce(0) { $0 << 8 | Int($1) }
    let inForce = digests.isInForce && !isLoginResponse
    dataCount = (data + 3) / 4 * 4
    digestCount = inForce && digests.data && data > 0 ? 4 : 0
    crc = TableCRC32C()
    missing =
      Int(kept[4]) * 4 + (inForce && digests.header ? 4 : 0) + dataCount + digestCount
  }

  private mutating func finish(_ digests: inout Digests) {
    if isLoginResponse {
      for pair in kept.dropFirst(Self.headerCount).split(separator: 0) {
        if pair.elementsEqual("HeaderDigest=CRC32C".utf8) { digests.header = true }
        if pair.elementsEqual("DataDigest=CRC32C".utf8) { digests.data = true }
      }
      // The T bit and next stage FullFeaturePhase (RFC 7143, 11.13.3).
      if kept[1] & 0x83 == 0x83 { digests.isInForce = true }
    }
    kept.removeAll(keepingCapacity: true)
  }
}
