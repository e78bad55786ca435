/// Loads and stores of big-endian integers: the one place where bytes become numbers.
///
/// Every load checks its bounds (a trap is our own bug: callers check the peer's lengths first).
/// Source: RFC 7143, 11.1 (network byte order); SPC-5, 3.5 (most significant byte first).
extension RawSpan {
  /// The big-endian integer of type `T` at `offset`; traps when it does not lie inside the span.
  @inlinable @inline(__always)
  package func bigEndian<T: FixedWidthInteger & BitwiseCopyable>(
    at offset: Int, as type: T.Type
  ) -> T {
    // SAFETY: any bit pattern is a valid integer, and unsafeLoadUnaligned checks the bounds.
    T(bigEndian: unsafe unsafeLoadUnaligned(fromByteOffset: offset, as: T.self))
  }

  /// The byte at `offset`.
  @inlinable @inline(__always)
  package func byte(at offset: Int) -> UInt8 {
    // SAFETY: as above.
    unsafe unsafeLoadUnaligned(fromByteOffset: offset, as: UInt8.self)
  }

  /// Three bytes at `offset` as a number (DataSegmentLength).
  @inlinable @inline(__always)
  package func bigEndian24(at offset: Int) -> UInt32 {
    UInt32(byte(at: offset)) << 16 | UInt32(bigEndian(at: offset + 1, as: UInt16.self))
  }
}

extension MutableRawSpan {
  /// Stores `value` big-endian at `offset`; traps when it does not fit.
  @inlinable @inline(__always)
  package mutating func storeBigEndian<T: FixedWidthInteger & BitwiseCopyable>(
    _ value: T, at offset: Int
  ) {
    storeBytes(of: value.bigEndian, toByteOffset: offset, as: T.self)
  }
}

extension Array where Element == UInt8 {
  /// Calls `body` with this array's bytes as a raw span.
  @inlinable
  package func withRawSpan<R, E: Error>(_ body: (borrowing RawSpan) throws(E) -> R) throws(E) -> R {
    // SAFETY: the span lives only for this call, and bytes are initialised.
    try unsafe body(span.bytes)
  }

  /// Appends `value` most significant byte first.
  @inlinable
  package mutating func appendBigEndian<T: FixedWidthInteger>(_ value: T) {
    var shift = T.bitWidth
    while shift > 0 {
      shift -= 8
      append(UInt8(truncatingIfNeeded: value >> T(shift)))
    }
  }
}
