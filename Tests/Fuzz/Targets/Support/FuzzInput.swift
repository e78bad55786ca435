/// A fuzzer's bytes taken as decisions, one after the other; behind their end come zeros.
struct FuzzInput {
  private var rest: ArraySlice<UInt8>

  init(_ bytes: some Sequence<UInt8>) {
    rest = Array(bytes)[...]
  }

  var isEmpty: Bool { rest.isEmpty }

  mutating func byte() -> UInt8 { rest.popFirst() ?? 0 }

  mutating func bit() -> Bool { byte() & 1 != 0 }

  mutating func number16() -> UInt16 { UInt16(byte()) << 8 | UInt16(byte()) }

  mutating func number32() -> UInt32 { UInt32(number16()) << 16 | UInt32(number16()) }

  mutating func number64() -> UInt64 { UInt64(number32()) << 32 | UInt64(number32()) }

  /// So many bytes, fewer where the input ends.
  mutating func bytes(_ count: Int) -> [UInt8] {
    defer { rest = rest.dropFirst(count) }
    return Array(rest.prefix(count))
  }

  /// Mostly `expected`, so that a sequence gets far; else near it, or anything.
  mutating func near(_ expected: UInt32) -> UInt32 {
    let choice = byte()
    switch choice {
    case 0..<0xE0: return expected
    case 0xE0..<0xF8: return expected &+ UInt32(choice & 0x1F) &- 12
    default: return number32()
    }
  }

  /// All that is left.
  mutating func remainder() -> [UInt8] {
    defer { rest = [] }
    return Array(rest)
  }

  /// The pieces between bytes FFh, which no UTF-8 text has.
  static func pieces(of bytes: [UInt8], atMost limit: Int) -> [[UInt8]] {
    bytes.split(separator: 0xFF, maxSplits: limit - 1, omittingEmptySubsequences: false)
      .map { Array($0) }
  }
}
