import Wire

/// A whole PDU with its payload in an array: what login, text and the simulator exchange.
///
/// The I/O path never builds one; it keeps payload in the pages it was read into.
package struct ProtocolDataUnit: Equatable, Sendable {
  /// The header; its lengths are made to agree with the parts below when encoded.
  package var header: BasicHeaderSegment
  /// Additional header segments, a multiple of four bytes, at most 1020.
  package var additionalHeader: [UInt8]
  /// The data segment without padding.
  package var data: [UInt8]

  package init(header: BasicHeaderSegment, additionalHeader: [UInt8] = [], data: [UInt8] = []) {
    precondition(
      additionalHeader.count % 4 == 0 && additionalHeader.count <= 1020, "whole AHS words")
    self.header = header
    self.additionalHeader = additionalHeader
    self.data = data
    self.header.totalAHSLength = UInt8(additionalHeader.count / 4)
    self.header.dataSegmentLength = data.count
  }

  /// The bytes for the wire, with padding and the digests asked for.
  package func encoded(headerDigest: Bool = false, dataDigest: Bool = false) -> [UInt8] {
    var header = header
    header.totalAHSLength = UInt8(additionalHeader.count / 4)
    header.dataSegmentLength = data.count
    var bytes = [UInt8]()
    bytes.reserveCapacity(header.wireLength(headerDigest: headerDigest, dataDigest: dataDigest))
    for word in [
      header.word0, header.word1, header.word2, header.word3, header.word4, header.word5,
    ] {
      bytes.appendBigEndian(word)
    }
    bytes += additionalHeader
    if headerDigest { bytes.append(digestOf: bytes[...]) }
    guard !data.isEmpty else { return bytes }
    let start = bytes.count
    bytes += data
    bytes += repeatElement(0, count: -data.count & 3)
    if dataDigest { bytes.append(digestOf: bytes[start...]) }
    return bytes
  }
}

extension [UInt8] {
  /// Appends the CRC32C of `covered`, least significant byte first (RFC 7143, 13.1).
  fileprivate mutating func append(digestOf covered: ArraySlice<UInt8>) {
    var digest = CRC32C()
    Array(covered).withRawSpan { digest.update($0) }
    appendBigEndian(digest.value.byteSwapped)
  }
}
