import Wire

/// The logical units a target says it has.
///
/// Source: SPC-5, 6.33 (REPORT LUNS).
package struct ReportLUNsParameterData: ParameterData, Hashable, Sendable {
  /// The most logical units taken from one target: what flat space addressing can number.
  package static let logicalUnitLimit = 16384

  /// Bytes before the list: LUN LIST LENGTH and a reserved word.
  package static let headerLength = 8

  /// The LUNs in the target's order, at most `logicalUnitLimit`, each logical unit once: of a
  /// number listed in both its forms the first counts.
  package var logicalUnitNumbers: [LogicalUnitNumber]

  /// LUN LIST LENGTH as the target claims it, in bytes, whatever was received.
  package var listLengthBytes: UInt32

  /// True when there are LUNs the data do not hold: ask again with `wantedAllocationLength`.
  package var isTruncated: Bool

  /// Only whole entries inside both the list length and the data count.
  package init(parsing bytes: borrowing RawSpan) throws(ParameterDataError) {
    guard bytes.byteCount >= Self.headerLength else {
      throw .tooShort(byteCount: bytes.byteCount, minimum: Self.headerLength)
    }
    listLengthBytes = bytes.bigEndian(at: 0, as: UInt32.self)
    let claimed = Int(listLengthBytes / 8)
    let received = (bytes.byteCount - Self.headerLength) / 8
    let wanted = min(claimed, Self.logicalUnitLimit)
    isTruncated = received < wanted
    logicalUnitNumbers = []
    var seen: Set<LogicalUnitNumber> = []
    for index in 0..<min(wanted, received) {
      let offset = Self.headerLength + index * 8
      let number = LogicalUnitNumber(rawValue: bytes.bigEndian(at: offset, as: UInt64.self))
      if seen.insert(number.peripheralForm).inserted { logicalUnitNumbers.append(number) }
    }
  }

  /// The allocation length that holds the whole list, never more than the limit needs.
  package var wantedAllocationLength: UInt32 {
    let entries = min(Int(listLengthBytes / 8), Self.logicalUnitLimit)
    return UInt32(Self.headerLength + entries * 8)
  }
}
