/// What the bytes of a write look like: every 64 of them tell which write they are of and where
/// they belong, so that none can stand for others unseen.
enum Stamp {
  /// The bytes that are checked as one: every request begins and ends at a multiple.
  static let granule = 64

  /// The bytes of a write from `granule` on.
  static func bytes(write: UInt32, granule first: Int, count: Int) -> [UInt8] {
    // SAFETY: `count` granules are initialised, eight bytes at a time.
    unsafe [UInt8](unsafeUninitializedCapacity: count * granule) { buffer, initialized in
      for index in 0..<count {
        let label = UInt64(write) << 32 | UInt64(first + index)
        for word in 0..<8 {
          let value = word == 0 ? label : RandomSource.mix(label &+ UInt64(word))
          unsafe UnsafeMutableRawBufferPointer(buffer).storeBytes(
            of: value, toByteOffset: index * granule + word * 8, as: UInt64.self)
        }
      }
      initialized = count * granule
    }
  }

  /// The write the bytes at `offset` are of; nil when they are not what any write has there.
  static func write(in bytes: UnsafeRawBufferPointer, at offset: Int, granule: Int) -> UInt32? {
    // SAFETY: the loads check their bounds in debug; the caller has whole granules.
    let label = unsafe bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
    guard label & 0xFFFF_FFFF == UInt64(granule) else { return nil }
    for word in 1..<8 {
      let value = unsafe bytes.loadUnaligned(fromByteOffset: offset + word * 8, as: UInt64.self)
      guard value == RandomSource.mix(label &+ UInt64(word)) else { return nil }
    }
    return UInt32(truncatingIfNeeded: label >> 32)
  }
}
