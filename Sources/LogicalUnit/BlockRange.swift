package import SCSI

/// Consecutive logical blocks; none where `count` is zero.
package struct BlockRange: BitwiseCopyable, Hashable, Sendable {
  package var first: LogicalBlockAddress
  package var count: UInt64

  @inlinable
  package init(first: LogicalBlockAddress, count: UInt64) {
    self.first = first
    self.count = count
  }

  @inlinable
  package var isEmpty: Bool { count == 0 }

  /// The address after the last block, or `first` where there is none.
  @inlinable
  package var end: LogicalBlockAddress { first.advanced(by: count) }

  /// The address of the last block; traps when there is none.
  @inlinable
  package var last: LogicalBlockAddress {
    precondition(count > 0, "an empty range has no last block")
    return first.advanced(by: count - 1)
  }

  /// True when some block lies in both ranges.
  @inlinable
  package func overlaps(_ other: BlockRange) -> Bool {
    !isEmpty && !other.isEmpty && first <= other.last && other.first <= last
  }

  @inlinable
  package func contains(_ block: LogicalBlockAddress) -> Bool {
    !isEmpty && first <= block && block <= last
  }

  /// Takes `count` blocks off the front; traps when there are fewer.
  @inlinable
  package mutating func removeFirst(_ count: UInt64) {
    precondition(count <= self.count, "a range loses no more than it has")
    first = first.advanced(by: count)
    self.count -= count
  }
}
