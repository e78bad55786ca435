import Wire

/// Page B2h: how blocks are mapped, and which commands unmap them.
///
/// Source: SBC-4, 6.6.7 (logical block provisioning).
package struct LogicalBlockProvisioning: ParameterData, BitwiseCopyable, Hashable, Sendable {
  /// PROVISIONING TYPE.
  package struct Kind: RawRepresentable, BitwiseCopyable, Hashable, Sendable {
    package var rawValue: UInt8

    package init(rawValue: UInt8) {
      self.rawValue = rawValue
    }

    package static let notReportedOrFull = Kind(rawValue: 0)
    package static let resource = Kind(rawValue: 1)
    package static let thin = Kind(rawValue: 2)
  }

  /// LBPU: UNMAP is supported.
  package var supportsUnmap: Bool

  /// LBPWS: WRITE SAME(16) with UNMAP is supported.
  package var supportsWriteSame16Unmap: Bool

  /// LBPWS10: WRITE SAME(10) with UNMAP is supported.
  package var supportsWriteSame10Unmap: Bool

  /// LBPRZ: unmapped blocks read as zeros.
  package var unmappedBlocksReadZeros: Bool

  /// ANC_SUP: blocks can be anchored.
  package var supportsAnchor: Bool

  package var kind: Kind

  package init(parsing bytes: borrowing RawSpan) throws(ParameterDataError) {
    let end = try VitalProductDataPage.logicalBlockProvisioning.end(in: bytes)
    let flags = end > 5 ? bytes.byte(at: 5) : 0
    supportsUnmap = flags & 0x80 != 0
    supportsWriteSame16Unmap = flags & 0x40 != 0
    supportsWriteSame10Unmap = flags & 0x20 != 0
    // Three bits wide: xx1b promises zeros, 010b a pattern of the device's own.
    unmappedBlocksReadZeros = flags & 0x04 != 0
    supportsAnchor = flags & 0x02 != 0
    kind = Kind(rawValue: end > 6 ? bytes.byte(at: 6) & 0b111 : 0)
  }
}
