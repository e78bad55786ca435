import CLinux
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

  @Test("D01: equals the RFC's vectors", arguments: 0..<5)
  func vectors(index: Int) {
    let vector = Self.vectors[index]
    #expect(Self.digest(vector.bytes[...]) == vector.checksum)
    #expect(Self.register(.max, by: .portable, vector.bytes[...]) == ~vector.checksum)
  }

  @Test("equals long division for every length to 1100, at every alignment")
  func shortLengths() {
    let bytes = Self.bytes(1200, seed: 1)
    for start in 0..<16 {
      // The register of a prefix is the next one's start: one pass of long division for all.
      var expected: UInt32 = 0x1234_5678
      for count in 0...1100 {
        let part = bytes[start..<start + count]
        #expect(Self.register(0x1234_5678, by: .processor, part) == expected)
        if start == 0 { #expect(Self.register(0x1234_5678, by: .portable, part) == expected) }
        expected = Self.divide(expected, bytes[start + count])
      }
    }
  }

  @Test("equals long division for payloads of every size that is cut differently")
  func longLengths() {
    let bytes = Self.bytes(1 << 20 + 16, seed: 2)
    var expected = UInt32.max
    // About every block boundary, and at random lengths between.
    var generator = Generator(state: 3)
    var counts: Set<Int> = [65_536, 131_072, 262_144, 1 << 20]
    for block in 1...8 { for step in -9...9 { counts.insert(block * 4080 + step) } }
    for _ in 0..<200 { counts.insert(Int(generator.next() % (1 << 20))) }
    var position = 0
    for count in counts.sorted() {
      while position < count {
        expected = Self.divide(expected, bytes[position])
        position += 1
      }
      #expect(Self.digest(bytes[..<count]) == ~expected, "\(count) bytes")
    }
  }

  @Test("starts large payloads at any alignment")
  func alignments() {
    let payload = Self.bytes(9000, seed: 4)
    let expected = ~payload.reduce(UInt32.max, Self.divide)
    for start in 0..<64 {
      let moved = [UInt8](repeating: 0xEE, count: start) + payload
      #expect(Self.digest(moved[start...]) == expected)
    }
  }

  @Test("is the same wherever the bytes are cut")
  func pieces() {
    let bytes = Self.bytes(5000, seed: 5)
    let expected = ~bytes.reduce(UInt32.max, Self.divide)
    for cut in 0...bytes.count {
      var parts = CRC32C()
      bytes.withRawSpan { whole in
        parts.update(whole.extracting(first: cut))
        parts.update(whole.extracting(droppingFirst: cut))
      }
      #expect(parts.value == expected)
    }
  }

  @Test("is the same cut into many pieces of any size")
  func manyPieces() {
    let bytes = Self.bytes(100_000, seed: 6)
    let expected = ~bytes.reduce(UInt32.max, Self.divide)
    var generator = Generator(state: 7)
    for limit in [3, 50, 600, 5000, 30_000] as [UInt64] {
      var parts = CRC32C()
      var position = 0
      while position < bytes.count {
        let end = min(bytes.count, position + Int(generator.next() % limit))
        bytes.withRawSpan { parts.update($0.extracting(position..<end)) }
        position = end
      }
      #expect(parts.value == expected)
    }
  }

  @Test("sees every single bit of a large payload")
  func everyBit() {
    var bytes = [UInt8](repeating: 0, count: 4096)
    let zeros = Self.digest(bytes[...])
    var seen: Set<UInt32> = [zeros]
    for bit in 0..<bytes.count * 8 {
      bytes[bit / 8] ^= 1 << UInt8(bit % 8)
      seen.insert(Self.digest(bytes[...]))
      bytes[bit / 8] = 0
    }
    // CRC32C tells apart any two patterns of one wrong bit at this length.
    #expect(seen.count == bytes.count * 8 + 1)
  }
}

extension CRC32CTests {
  enum Way { case processor, portable }

  /// Long division by the polynomial, a bit at a time: what the checksum means.
  static func divide(_ register: UInt32, _ byte: UInt8) -> UInt32 {
    (0..<8).reduce(register ^ UInt32(byte)) { register, _ in
      register >> 1 ^ (register & 1 == 1 ? 0x82F6_3B78 : 0)
    }
  }

  static func digest(_ bytes: ArraySlice<UInt8>) -> UInt32 {
    var digest = CRC32C()
    unsafe bytes.withUnsafeBytes { digest.update(unsafe $0.bytes) }
    return digest.value
  }

  static func register(_ start: UInt32, by way: Way, _ bytes: ArraySlice<UInt8>) -> UInt32 {
    // SAFETY: the C functions read exactly `count` bytes of the slice.
    unsafe bytes.withUnsafeBytes { bytes in
      switch way {
      case .processor: unsafe clinux_crc32c(start, bytes.baseAddress, bytes.count)
      case .portable: unsafe clinux_crc32c_portable(start, bytes.baseAddress, bytes.count)
      }
    }
  }

  static func bytes(_ count: Int, seed: UInt64) -> [UInt8] {
    var generator = Generator(state: seed)
    return (0..<count).map { _ in UInt8(truncatingIfNeeded: generator.next() >> 32) }
  }

  /// The same numbers every time (SplitMix64).
  struct Generator: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
      state &+= 0x9E37_79B9_7F4A_7C15
      var word = (state ^ state >> 30) &* 0xBF58_476D_1CE4_E5B9
      word = (word ^ word >> 27) &* 0x94D0_49BB_1331_11EB
      return word ^ word >> 31
    }
  }
}
