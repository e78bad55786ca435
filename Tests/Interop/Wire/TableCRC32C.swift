/// CRC32C by a table of 256 entries, made from the polynomial alone.
///
/// Shares no line with the program's, which it judges. Source: RFC 7143, 13.1 (iSCSI's
/// polynomial, 11EDC6F41h, bits reflected) and RFC 3720, B.4 for what it gives.
struct TableCRC32C: Equatable {
  private static let table: [UInt32] = (0..<256).map { index in
    (0..<8).reduce(UInt32(index)) { value, _ in
      value & 1 == 1 ? value >> 1 ^ 0x82F6_3B78 : value >> 1
    }
  }

  private var state = UInt32.max

  mutating func update(_ bytes: ArraySlice<UInt8>) {
    for byte in bytes {
      state = state >> 8 ^ Self.table[Int(UInt8(truncatingIfNeeded: state) ^ byte)]
    }
  }

  /// The digest as it stands on the wire, its first byte in the lowest bits.
  var value: UInt32 { ~state }
}
