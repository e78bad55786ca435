/// The number of a logical block on the medium, counted from zero.
///
/// Adding wraps, because a target's last block may be 2^64 - 1; whoever plans a transfer has
/// checked the range against the capacity before.
/// Source: SBC-4, 4.5 (logical blocks).
package struct LogicalBlockAddress: RawRepresentable, BitwiseCopyable, Hashable, Comparable,
  Sendable
{
  package var rawValue: UInt64

  @inlinable
  package init(rawValue: UInt64) {
    self.rawValue = rawValue
  }

  @inlinable
  package init(_ rawValue: UInt64) {
    self.rawValue = rawValue
  }

  @inlinable
  package static func < (left: LogicalBlockAddress, right: LogicalBlockAddress) -> Bool {
    left.rawValue < right.rawValue
  }

  /// The address `blocks` further on, modulo 2^64.
  @inlinable
  package func advanced(by blocks: UInt64) -> LogicalBlockAddress {
    LogicalBlockAddress(rawValue: rawValue &+ blocks)
  }
}
