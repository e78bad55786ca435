/// A 32-bit serial number: adding wraps, comparing follows RFC 1982.
///
/// CmdSN, StatSN, DataSN and R2TSN are serial numbers; two that lie exactly 2^31 apart compare
/// as neither before nor after each other.
/// Source: RFC 1982; RFC 7143, 4.2.2.
package struct SerialNumber: RawRepresentable, BitwiseCopyable, Hashable, Sendable {
  package var rawValue: UInt32

  @inlinable
  package init(rawValue: UInt32) {
    self.rawValue = rawValue
  }

  /// The number one after this one.
  @inlinable
  package var successor: SerialNumber { advanced(by: 1) }

  /// The number `count` after this one, modulo 2^32.
  @inlinable
  package func advanced(by count: UInt32) -> SerialNumber {
    SerialNumber(rawValue: rawValue &+ count)
  }

  /// How far this number lies after `other`; negative when before it.
  @inlinable
  package func distance(from other: SerialNumber) -> Int32 {
    Int32(bitPattern: rawValue &- other.rawValue)
  }

  /// True when this number comes before `other`.
  @inlinable
  package func precedes(_ other: SerialNumber) -> Bool {
    let difference = other.rawValue &- rawValue
    return difference != 0 && difference < 0x8000_0000
  }
}
