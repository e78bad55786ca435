/// The ones' complement sum of IP and TCP (RFC 1071), over bytes that come in pieces.
struct InternetChecksum {
  private var sum: UInt64 = 0
  private var isOdd = false

  mutating func add(_ bytes: UnsafeRawBufferPointer) {
    var index = 0
    if isOdd, let first = unsafe bytes.first {
      sum += UInt64(first)
      isOdd = false
      index = 1
    }
    while index + 1 < bytes.count {
      // SAFETY: two bytes lie there.
      sum += UInt64(
        UInt16(bigEndian: unsafe bytes.loadUnaligned(fromByteOffset: index, as: UInt16.self)))
      index += 2
    }
    if index < bytes.count {
      sum += UInt64(unsafe bytes[index]) << 8
      isOdd = true
    }
  }

  mutating func add(_ bytes: [UInt8]) {
    unsafe bytes.withUnsafeBytes { unsafe add($0) }
  }

  /// What goes into the header.
  var value: UInt16 {
    var folded = sum
    while folded > 0xFFFF { folded = (folded & 0xFFFF) + (folded >> 16) }
    return ~UInt16(folded)
  }
}
