import SCSI
import Wire

/// What device servers return: sense data, VPD pages and the lists and pages of other commands.
///
/// Input: which of them, then the data as received.
enum ParameterDataProperties {
  static func check(_ bytes: [UInt8]) throws(Disagreement) {
    var input = FuzzInput(bytes)
    let kind = input.byte()
    switch kind % 16 {
    case 0, 1: try SenseProperties.check(input.remainder())
    case 2: try checkInquiry(input.remainder())
    case 3: try checkSupportedPages(input.remainder())
    case 4: try checkSerialNumber(input.remainder())
    case 5, 6: try checkIdentification(input.remainder())
    case 7: try checkBlockLimits(input.remainder())
    case 8: try checkProvisioning(input.remainder())
    case 9: try checkReportLUNs(input.remainder())
    case 10: try checkReadCapacity10(input.remainder())
    case 11: try checkReadCapacity16(input.remainder())
    case 12, 13: try checkModeParameters(input.remainder(), isSix: kind % 16 == 12)
    case 14: try checkTargetPortGroups(input.remainder())
    default: try checkLBAStatus(&input)
    }
  }

  // MARK: - Inquiry

  private static func checkInquiry(_ bytes: [UInt8]) throws(Disagreement) {
    let data = try? InquiryData(parsing: bytes)
    try agree(data == nil, bytes.isEmpty, "INQUIRY data are read from one byte on")
    guard let data else { return }
    try agree(data.peripheralQualifier.rawValue, bytes[0] >> 5, "peripheral qualifier")
    try agree(data.peripheralDeviceType.rawValue, bytes[0] & 0x1F, "device type")
    for (field, range) in [
      (data.vendor, 8..<16), (data.product, 16..<32), (data.revision, 32..<36),
    ] {
      try hold(field.isPrintable, "a field of INQUIRY is printable: \(field)")
      let received = bytes.indices.clamped(to: range)
      try hold(field.utf8.count <= 4 * received.count, "a field of INQUIRY is short")
    }
    let flags = NaiveBytes.number(bytes, 5, 1, end: bytes.count) ?? 0
    try agree(data.supportsProtectionInformation, flags & 1 == 1, "PROTECT")
    try agree(data.supportsThirdPartyCopy, flags & 8 == 8, "3PC")
    try agree(
      data.supportsCommandQueuing,
      (NaiveBytes.number(bytes, 7, 1, end: bytes.count) ?? 0) & 2 == 2, "CMDQUE")
    // What comes behind the fields changes nothing.
    guard bytes.count >= 36 else { return }
    try agree(try? InquiryData(parsing: bytes + [0xFF]), data, "INQUIRY data and one byte more")
  }

  /// Where page `code` of `bytes` ends; nil when it is not that page.
  private static func pageEnd(_ code: UInt8, _ bytes: [UInt8]) -> Int? {
    guard bytes.count >= 4, bytes[1] == code else { return nil }
    return min(bytes.count, 4 + Int(bytes[2]) * 256 + Int(bytes[3]))
  }

  private static func checkSupportedPages(_ bytes: [UInt8]) throws(Disagreement) {
    let found = (try? SupportedVitalProductData(parsing: bytes)).map { data in
      Set(data.pages.map(\.rawValue))
    }
    try agree(found, pageEnd(0, bytes).map { Set(bytes[4..<$0]) }, "supported pages")
  }

  private static func checkSerialNumber(_ bytes: [UInt8]) throws(Disagreement) {
    let found = try? UnitSerialNumber(parsing: bytes)
    let end = pageEnd(0x80, bytes)
    try agree(found == nil, end == nil, "page 80h is read")
    guard let found, let end else { return }
    try hold(found.text.isPrintable, "a serial number is printable")
    let isPadding = bytes[4..<end].allSatisfy { $0 == 0x20 || $0 == 0 }
    if isPadding && !bytes[4..<end].contains(0) {
      try hold(found.text.isEmpty, "padding is no serial number")
    }
  }

  // MARK: - Identification

  private static func checkIdentification(_ bytes: [UInt8]) throws(Disagreement) {
    let found = try? DeviceIdentification(parsing: bytes)
    let end = pageEnd(0x83, bytes)
    try agree(found == nil, end == nil, "page 83h is read")
    guard let found, let end else { return }
    var expected: [[UInt8]] = []
    var rest = bytes[4..<end]
    while rest.count >= 4 {
      let length = Int(rest[rest.startIndex + 3])
      guard rest.count >= 4 + length else { break }
      let descriptor = rest.prefix(4 + length)
      if length > 0 { expected.append(Array(descriptor)) }
      rest = rest.dropFirst(4 + length)
    }
    try agree(found.designators.count, expected.count, "designators")
    for (designator, descriptor) in zip(found.designators, expected) {
      try agree(designator.bytes[...], descriptor[4...], "designator")
      try agree(designator.codeSet.rawValue, descriptor[0] & 0x0F, "code set")
      try agree(designator.kind.rawValue, descriptor[1] & 0x0F, "designator type")
      try agree(designator.association.rawValue, descriptor[1] >> 4 & 3, "association")
      try agree(
        designator.protocolIdentifier, descriptor[1] & 0x80 == 0 ? nil : descriptor[0] >> 4,
        "protocol identifier")
      if let name = designator.worldWideName { try holdFileName(name) }
    }
    if let name = found.worldWideName {
      try holdFileName(name)
      try hold(
        found.designators.contains { $0.association == .logicalUnit && $0.worldWideName == name },
        "a logical unit's name is one of its designators")
    }
  }

  private static func holdFileName(_ name: String) throws(Disagreement) {
    try hold(name.isPrintable, "a world wide name is printable: \(name)")
    try hold(
      !name.contains(where: { ":/ ".contains($0) }), "a world wide name is one component: \(name)")
    let scheme = name.prefix(4)
    try hold(["naa.", "eui.", "t10."].contains(scheme), "a world wide name has a scheme: \(name)")
    try hold(name.utf8.count > 4, "a world wide name is not its scheme alone")
  }

  // MARK: - Block device pages

  private static func checkBlockLimits(_ bytes: [UInt8]) throws(Disagreement) {
    let found = try? BlockLimits(parsing: bytes)
    let end = pageEnd(0xB0, bytes)
    try agree(found == nil, end == nil, "page B0h is read")
    guard let found, let end else { return }
    func field(_ offset: Int, _ count: Int) -> UInt64 {
      NaiveBytes.number(bytes, offset, count, end: end) ?? 0
    }
    try agree(found.writeSameNeedsCount, field(4, 1) & 1 == 1, "WSNZ")
    try agree(UInt64(found.maximumCompareAndWriteBlocks), field(5, 1), "COMPARE AND WRITE")
    try agree(UInt64(found.optimalTransferLengthGranularityBlocks), field(6, 2), "granularity")
    try agree(UInt64(found.maximumTransferBlocks), field(8, 4), "MAXIMUM TRANSFER LENGTH")
    try agree(UInt64(found.optimalTransferBlocks), field(12, 4), "OPTIMAL TRANSFER LENGTH")
    try agree(UInt64(found.maximumUnmapBlocks), field(20, 4), "MAXIMUM UNMAP LBA COUNT")
    try agree(UInt64(found.maximumUnmapDescriptors), field(24, 4), "UNMAP DESCRIPTOR COUNT")
    try agree(UInt64(found.optimalUnmapGranularityBlocks), field(28, 4), "UNMAP GRANULARITY")
    let alignment = field(32, 4)
    try agree(
      found.unmapGranularityAlignmentBlocks.map(UInt64.init),
      alignment >> 31 == 0 ? nil : alignment & 0x7FFF_FFFF, "UNMAP GRANULARITY ALIGNMENT")
    try agree(found.maximumWriteSameBlocks, field(36, 8), "MAXIMUM WRITE SAME LENGTH")
    try hold(found.unmapGranularity > 0, "a granularity is at least one block")
    try hold(found.unmapAlignment < found.unmapGranularity, "an alignment is below the granularity")
  }

  private static func checkProvisioning(_ bytes: [UInt8]) throws(Disagreement) {
    let found = try? LogicalBlockProvisioning(parsing: bytes)
    let end = pageEnd(0xB2, bytes)
    try agree(found == nil, end == nil, "page B2h is read")
    guard let found, let end else { return }
    let flags = NaiveBytes.number(bytes, 5, 1, end: end) ?? 0
    let bits = [
      found.supportsUnmap, found.supportsWriteSame16Unmap, found.supportsWriteSame10Unmap,
      found.unmappedBlocksReadZeros, found.supportsAnchor,
    ]
    try agree(bits, [7, 6, 5, 2, 1].map { flags >> $0 & 1 == 1 }, "flags of page B2h")
    try agree(
      UInt64(found.kind.rawValue), (NaiveBytes.number(bytes, 6, 1, end: end) ?? 0) & 7,
      "provisioning type")
  }

  // MARK: - Lists and capacities

  private static func checkReportLUNs(_ bytes: [UInt8]) throws(Disagreement) {
    let found = try? ReportLUNsParameterData(parsing: bytes)
    try agree(found == nil, bytes.count < 8, "a list of LUNs is read")
    guard let found else { return }
    let claimed = NaiveBytes.number(bytes, 0, 4, end: bytes.count) ?? 0
    let end = min(bytes.count, 8 + Int(claimed))
    var expected: [UInt64] = []
    var offset = 8
    while let number = NaiveBytes.number(bytes, offset, 8, end: end) {
      // Flat space below 256, 40xxh, is another form of the same number.
      let forms = [number, number ^ 0x4000 << 48]
      let hasForms = number & 0xBF00_FFFF_FFFF_FFFF == 0
      if !expected.contains(where: { hasForms ? forms.contains($0) : number == $0 }) {
        expected.append(number)
      }
      offset += 8
    }
    try agree(found.logicalUnitNumbers.map(\.rawValue), expected, "LUNs")
    try agree(found.listLengthBytes, UInt32(claimed), "LUN LIST LENGTH")
    let wanted = 8 + min(Int(claimed) / 8, 16_384) * 8
    try agree(Int(found.wantedAllocationLength), wanted, "allocation length for the whole list")
    try agree(found.isTruncated, wanted > 8 + (bytes.count - 8) / 8 * 8, "a list that is cut")
    for number in found.logicalUnitNumbers.prefix(16) {
      if let named = LogicalUnitNumber(name: number.name) {
        try agree(named.number, number.number, "a LUN called \(number.name)")
      } else {
        throw Disagreement("the name of a LUN is none: \(number.name)")
      }
    }
  }

  private static func checkTargetPortGroups(_ bytes: [UInt8]) throws(Disagreement) {
    let found = try? TargetPortGroups(parsing: bytes)
    let claimed = NaiveBytes.number(bytes, 0, 4, end: bytes.count)
    try agree(found == nil, claimed == nil, "target port groups are read")
    guard let found, let claimed else { return }
    let end = min(bytes.count, 4 + Int(claimed))
    var expected: [[UInt8]] = []
    var rest = bytes[..<end].dropFirst(4)
    while rest.count >= 8 {
      let descriptor = Array(rest.prefix(8))
      expected.append(descriptor)
      rest = rest.dropFirst(8 + 4 * Int(descriptor[7]))
    }
    try agree(
      found.groups.map { [$0.isPreferred ? 1 : 0, $0.state.rawValue] },
      expected.map { [$0[0] >> 7, $0[0] & 0x0F] }, "states of the groups")
    try agree(
      found.groups.map { [UInt8($0.identifier >> 8), UInt8($0.identifier & 0xFF)] },
      expected.map { Array($0[2..<4]) }, "target port groups")
  }

  private static func checkReadCapacity10(_ bytes: [UInt8]) throws(Disagreement) {
    let found = bytes.withRawSpan { try? ReadCapacityData(parsingReadCapacity10: $0) }
    let last = NaiveBytes.number(bytes, 0, 4, end: 8)
    let length = NaiveBytes.number(bytes, 4, 4, end: 8)
    try agree(found?.lastLogicalBlockAddress.rawValue, length == nil ? nil : last, "last block")
    try agree(found.map { UInt64($0.logicalBlockLengthBytes) }, length, "block length")
    try agree(
      found?.exceedsReadCapacity10 ?? false, length != nil && last == 0xFFFF_FFFF, "too large")
  }

  private static func checkReadCapacity16(_ bytes: [UInt8]) throws(Disagreement) {
    let found = bytes.withRawSpan { try? ReadCapacityData(parsingReadCapacity16: $0) }
    let length = NaiveBytes.number(bytes, 8, 4, end: bytes.count)
    try agree(found == nil, length == nil, "twelve bytes are a capacity")
    guard let found else { return }
    func field(_ offset: Int, _ count: Int) -> UInt64 {
      NaiveBytes.number(bytes, offset, count, end: bytes.count) ?? 0
    }
    try agree(found.lastLogicalBlockAddress.rawValue, field(0, 8), "last block")
    try agree(UInt64(found.logicalBlockLengthBytes), field(8, 4), "block length")
    try agree(found.hasProtectionInformation, field(12, 1) & 1 == 1, "PROT_EN")
    try agree(UInt64(found.physicalBlockExponent), field(13, 1) & 0x0F, "exponent")
    try agree(found.isProvisioningManaged, field(14, 2) >> 15 == 1, "LBPME")
    try agree(found.unmappedBlocksReadZeros, field(14, 2) >> 14 & 1 == 1, "LBPRZ")
    try agree(
      UInt64(found.lowestAlignedLogicalBlockAddress), field(14, 2) & 0x3FFF, "lowest aligned block")
  }

  // MARK: - Modes

  private static func checkModeParameters(
    _ bytes: [UInt8], isSix: Bool
  ) throws(Disagreement) {
    let found = bytes.withRawSpan { span in
      isSix
        ? try? ModeParameters(parsingModeSense6: span)
        : try? ModeParameters(parsingModeSense10: span)
    }
    let header = isSix ? 4 : 8
    try agree(found == nil, bytes.count < header, "a mode parameter header is read")
    guard let found else { return }
    let deviceSpecific = bytes[isSix ? 2 : 3]
    try agree(found.isWriteProtected, deviceSpecific >> 7 == 1, "WP")
    try agree(found.supportsForceUnitAccess, deviceSpecific >> 4 & 1 == 1, "DPOFUA")
    let end = min(
      bytes.count, isSix ? 1 + Int(bytes[0]) : 2 + Int(bytes[0]) * 256 + Int(bytes[1]))
    var offset = header + (isSix ? Int(bytes[3]) : Int(bytes[6]) * 256 + Int(bytes[7]))
    var expected: Bool?
    while let code = NaiveBytes.number(bytes, offset, 1, end: end) {
      let hasSubpage = code & 0x40 != 0
      guard
        let length = hasSubpage
          ? NaiveBytes.number(bytes, offset + 2, 2, end: end)
          : NaiveBytes.number(bytes, offset + 1, 1, end: end)
      else { break }
      if !hasSubpage, code & 0x3F == 8, length > 0 {
        expected = NaiveBytes.number(bytes, offset + 2, 1, end: end).map { $0 & 4 != 0 }
        break
      }
      offset += (hasSubpage ? 4 : 2) + Int(length)
    }
    try agree(found.writeCacheEnabled, expected, "WCE")
  }

  // MARK: - LBA status

  private static func checkLBAStatus(_ input: inout FuzzInput) throws(Disagreement) {
    let start = input.number64()
    let end = start.addingReportingOverflow(UInt64(input.number16()))
    let stop = end.overflow ? UInt64.max : end.partialValue
    let bytes = input.remainder()
    let found = bytes.withRawSpan {
      try? LBAStatusData(
        parsing: $0, from: LogicalBlockAddress(start), to: LogicalBlockAddress(stop))
    }
    try agree(found == nil, bytes.count < 8, "a list of extents is read")
    guard let found else { return }
    var next = start
    for (index, extent) in found.extents.enumerated() {
      try agree(extent.first.rawValue, next, "extents follow each other")
      try hold(extent.count > 0 && extent.count <= stop - next, "an extent lies in the range")
      let offset = 8 + index * 16
      guard let first = NaiveBytes.number(bytes, offset, 8, end: bytes.count),
        let count = NaiveBytes.number(bytes, offset + 8, 4, end: bytes.count)
      else { throw Disagreement("an extent is one of the descriptors") }
      // Each block of the extent is one its descriptor speaks of.
      try hold(first <= next, "an extent begins in its descriptor")
      let (last, overflow) = first.addingReportingOverflow(count)
      try hold(!overflow && next + extent.count <= last, "an extent ends in its descriptor")
      try agree(extent.status.rawValue, bytes[offset + 12] & 0x0F, "status")
      next += extent.count
    }
  }
}
