private import Wire

/// The data of an UNMAP command: which blocks to deallocate.
///
/// Source: SBC-4, 5.35.2 (UNMAP parameter list).
package enum UnmapParameterList {
  /// Bytes of a list with this many descriptors.
  package static func byteCount(descriptorCount: Int) -> Int {
    8 + 16 * descriptorCount
  }

  /// The list that deallocates these ranges, each of at least one block.
  ///
  /// Traps when the list outgrows its 16-bit length: the caller splits by the block limits page.
  package static func bytes(
    _ ranges: [(first: LogicalBlockAddress, count: UInt32)]
  ) -> [UInt8] {
    let byteCount = byteCount(descriptorCount: ranges.count)
    precondition(byteCount <= Int(UInt16.max), "an UNMAP parameter list has a 16-bit length")
    var bytes: [UInt8] = []
    bytes.reserveCapacity(byteCount)
    bytes.appendBigEndian(UInt16(byteCount - 2))
    bytes.appendBigEndian(UInt16(byteCount - 8))
    bytes.appendBigEndian(UInt32(0))
    for range in ranges {
      bytes.appendBigEndian(range.first.rawValue)
      bytes.appendBigEndian(range.count)
      bytes.appendBigEndian(UInt32(0))
    }
    return bytes
  }

  /// Lays the list that deallocates one range at the start of `bytes`: 24 bytes.
  package static func store(
    _ first: LogicalBlockAddress, count: UInt32, into bytes: inout MutableRawSpan
  ) {
    bytes.storeBigEndian(UInt16(22), at: 0)
    bytes.storeBigEndian(UInt16(16), at: 2)
    bytes.storeBigEndian(UInt32(0), at: 4)
    bytes.storeBigEndian(first.rawValue, at: 8)
    bytes.storeBigEndian(count, at: 16)
    bytes.storeBigEndian(UInt32(0), at: 20)
  }
}
