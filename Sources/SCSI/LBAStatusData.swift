import Wire

/// Which blocks hold data, from GET LBA STATUS.
///
/// A target that lies about starts and counts cannot lead outside the range asked about: what it
/// says is cut to run on from `start` without gaps, and ends at the first step backwards.
/// Source: SBC-4, 5.7.3 (GET LBA STATUS parameter data).
package struct LBAStatusData: Hashable, Sendable {
  /// PROVISIONING STATUS: what stands behind a block.
  package struct Status: RawRepresentable, BitwiseCopyable, Hashable, Sendable {
    package var rawValue: UInt8

    package init(rawValue: UInt8) {
      self.rawValue = rawValue
    }

    package static let mapped = Status(rawValue: 0)
    package static let deallocated = Status(rawValue: 1)
    package static let anchored = Status(rawValue: 2)

    /// True when the block holds nothing; a status we do not know counts as data.
    package var isHole: Bool { self == .deallocated || self == .anchored }
  }

  /// Consecutive blocks of one status, never none.
  package struct Extent: BitwiseCopyable, Hashable, Sendable {
    package var first: LogicalBlockAddress
    package var count: UInt64
    package var status: Status
  }

  /// The extents that follow each other from the block asked about; empty: nothing usable was said.
  package var extents: [Extent]

  /// What `bytes` say of the blocks from `start` up to, not including, `end`.
  package init(
    parsing bytes: borrowing RawSpan, from start: LogicalBlockAddress, to end: LogicalBlockAddress
  ) throws(ParameterDataError) {
    guard bytes.byteCount >= 8 else { throw .tooShort(byteCount: bytes.byteCount, minimum: 8) }
    extents = []
    var next = start
    while let extent = Self.extent(at: extents.count, of: bytes, from: next, to: end) {
      extents.append(extent)
      next = next.advanced(by: extent.count)
    }
  }

  /// What the descriptor at `index` of an answer says of the blocks from `start` up to, not
  /// including, `end`; nil when it is not there or does not tell of `start`.
  ///
  /// For `index` 0 `start` is the block asked about, then where the extent before it ends.
  package static func extent(
    at index: Int, of bytes: borrowing RawSpan, from start: LogicalBlockAddress,
    to end: LogicalBlockAddress
  ) -> Extent? {
    guard bytes.byteCount >= 8, start < end else { return nil }
    let claimed = 4 + Int(bytes.bigEndian(at: 0, as: UInt32.self))
    let offset = 8 + 16 * index
    guard offset + 16 <= min(bytes.byteCount, claimed) else { return nil }
    let first = bytes.bigEndian(at: offset, as: UInt64.self)
    let count = UInt64(bytes.bigEndian(at: offset + 8, as: UInt32.self))
    let (last, overflow) = first.addingReportingOverflow(count)
    // The first descriptor may begin before the block asked about; later ones follow on.
    guard first <= start.rawValue, !overflow, last > start.rawValue else { return nil }
    return Extent(
      first: start, count: min(last, end.rawValue) - start.rawValue,
      status: Status(rawValue: bytes.byte(at: offset + 12) & 0x0F))
  }
}
