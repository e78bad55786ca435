import Testing

@testable import Wire

@Suite("CRC32C")
struct CRC32CTests {
  /// RFC 3720, B.4: the published vectors, as numbers (the wire has them byte-swapped).
  static let vectors: [(bytes: [UInt8], checksum: UInt32)] = [
    ([UInt8](repeating: 0x00, count: 32), 0x8A91_36AA),
    ([UInt8](repeating: 0xFF, count: 32), 0x62A8_AB43),
    ([UInt8](0..<32), 0x46DD_794E),
    ([UInt8]((0..<32).reversed()), 0x113F_DB5C),
    (
      [
        0x01, 0xC0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x14, 0, 0, 0, 0, 0, 0x04, 0, 0, 0,
        0, 0x14, 0, 0, 0, 0x18, 0x28, 0, 0, 0, 0, 0, 0, 0, 0x02, 0, 0, 0, 0, 0, 0, 0,
      ], 0xD996_3A56
    ),
  ]

  @Test("equals the RFC's vectors", arguments: 0..<5)
  func vectors(index: Int) {
    var whole = CRC32C()
    Self.vectors[index].bytes.withRawSpan { whole.update($0) }
    #expect(whole.value == Self.vectors[index].checksum)
  }

  @Test("is the same however the bytes are cut")
  func pieces() {
    let bytes = (0..<100).map { UInt8(truncatingIfNeeded: $0 &* 7) }
    var whole = CRC32C()
    bytes.withRawSpan { whole.update($0) }
    for cut in 0...bytes.count {
      var parts = CRC32C()
      Array(bytes[..<cut]).withRawSpan { parts.update($0) }
      Array(bytes[cut...]).withRawSpan { parts.update($0) }
      #expect(parts.value == whole.value)
    }
  }
}
