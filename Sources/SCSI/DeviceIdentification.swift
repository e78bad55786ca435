import Wire

/// Page 83h: every name of the logical unit, and of the port and device it was reached through.
///
/// Source: SPC-5, 7.7.6 (device identification).
package struct DeviceIdentification: ParameterData, Hashable, Sendable {
  /// The designators wholly inside the page, in its order, without the empty ones.
  package var designators: [Designator]

  package init(parsing bytes: borrowing RawSpan) throws(ParameterDataError) {
    let end = try VitalProductDataPage.deviceIdentification.end(in: bytes)
    designators = []
    var offset = VitalProductDataPage.headerLength
    // A descriptor has four bytes before its designator: each turn moves on by at least those.
    while offset + 4 <= end {
      let start = offset + 4
      let next = start + Int(bytes.byte(at: offset + 3))
      guard next <= end else { break }
      if next > start {
        designators.append(Self.designator(at: offset, in: start..<next, of: bytes))
      }
      offset = next
    }
  }

  /// The logical unit's best world wide name: NAA before EUI-64 before T10, the longest of a kind.
  ///
  /// Nil where the page has none. It holds no ':' and is fit for a file name.
  package var worldWideName: String? {
    for kind in [Designator.Kind.naa, .eui64, .t10VendorIdentification] {
      var best: String?
      for designator in designators
      where designator.association == .logicalUnit && designator.kind == kind {
        guard let name = designator.worldWideName else { continue }
        if best.map({ $0.utf8.count < name.utf8.count }) ?? true { best = name }
      }
      if let best { return best }
    }
    return nil
  }

  /// The target port group this logical unit was reached through, for RTPG (SPC-5, 7.7.6.8).
  package var targetPortGroup: UInt16? {
    let group = designators.first {
      $0.association == .targetPort && $0.kind == .targetPortGroup && $0.bytes.count == 4
    }
    return group.map { UInt16($0.bytes[2]) << 8 | UInt16($0.bytes[3]) }
  }

  /// The designator whose descriptor starts at `offset` and whose own bytes are `range`.
  private static func designator(
    at offset: Int, in range: Range<Int>, of bytes: borrowing RawSpan
  ) -> Designator {
    let codes = bytes.byte(at: offset)
    let flags = bytes.byte(at: offset + 1)
    var designator: [UInt8] = []
    designator.reserveCapacity(range.count)
    for index in range {
      designator.append(bytes.byte(at: index))
    }
    return Designator(
      protocolIdentifier: flags & 0x80 != 0 ? codes >> 4 : nil,
      codeSet: Designator.CodeSet(rawValue: codes & 0x0F),
      association: Designator.Association(rawValue: flags >> 4 & 0b11) ?? .reserved,
      kind: Designator.Kind(rawValue: flags & 0x0F),
      bytes: designator)
  }
}
