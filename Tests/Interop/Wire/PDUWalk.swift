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

  static let headerCount = 48
  private static let loginResponse: UInt8 = 0x23

  /// The begun header, or a whole Login Response up to here.
  private var kept: [UInt8] = []
  /// Bytes of the begun PDU behind its header that are still to come.
  private var missing = 0

  /// Goes over the next bytes of the flow; how many bytes at their end, those of earlier calls
  /// among them, are a header that is not whole (0 to 47).
  mutating func advance(over bytes: ArraySlice<UInt8>, digests: inout Digests) -> Int {
    var rest = bytes
    while !rest.isEmpty {
      if missing == 0 {
        let part = rest.prefix(Self.headerCount - kept.count)
        kept += part
        rest = rest.dropFirst(part.count)
        guard kept.count == Self.headerCount else { break }
        missing = length(digests)
      } else {
        let part = rest.prefix(missing)
        if isLoginResponse { kept += part }
        missing -= part.count
        rest = rest.dropFirst(part.count)
      }
      if missing == 0 { finish(&digests) }
    }
    return missing == 0 ? kept.count : 0
  }

  private var isLoginResponse: Bool { kept[0] & 0x3F == Self.loginResponse }

  /// What follows the header of `kept`.
  private func length(_ digests: Digests) -> Int {
    let data = kept[5...7].reduce(0) { $0 << 8 | Int($1) }
    let inForce = digests.isInForce && !isLoginResponse
    return Int(kept[4]) * 4 + (inForce && digests.header ? 4 : 0) + (data + 3) / 4 * 4
      + (inForce && digests.data && data > 0 ? 4 : 0)
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
