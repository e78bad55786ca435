/// INQUIRY and the vital product data pages.
///
/// Source: SPC-5, 6.7 and 7.7; SBC-4, 6.6.
extension SimulatedLogicalUnit {
  /// What a logical unit number with nothing behind it answers: by the standard qualifier 011b and
  /// type 1Fh in `peripheral`.
  package static func absentInquiry(
    _ cdb: CommandBytes, peripheral: UInt8 = 0x7F
  ) -> CommandResult {
    guard cdb[1] & 0x03 == 0, cdb[2] == 0 else { return .check(.invalidFieldInCDB) }
    var data = [UInt8](repeating: 0, count: 36)
    data[0] = peripheral
    data[2] = 0x06
    data[3] = 0x02
    data[4] = 31
    return .good(data, allocationLength: cdb.number(at: 3, count: 2))
  }

  func inquiry(_ cdb: CommandBytes) -> CommandResult {
    let allocationLength = cdb.number(at: 3, count: 2)
    // CMDDT is obsolete; a page code without EVPD is an error (SPC-5, 6.7.1).
    guard cdb[1] & 0x02 == 0 else { return .check(.invalidFieldInCDB) }
    guard cdb[1] & 0x01 != 0 else {
      guard cdb[2] == 0 else { return .check(.invalidFieldInCDB) }
      return .good(standardInquiry, allocationLength: allocationLength)
    }
    guard let page = vitalProductData(page: cdb[2]) else { return .check(.invalidFieldInCDB) }
    var data: [UInt8] = [peripheral, cdb[2]]
    data.append(number: UInt64(page.count), count: 2)
    return .good(data + page, allocationLength: allocationLength)
  }

  private var peripheral: UInt8 {
    configuration.peripheralQualifier << 5 | configuration.deviceType & 0x1F
  }

  private var standardInquiry: [UInt8] {
    var data: [UInt8] = [
      peripheral, configuration.deviceType == 0x05 ? 0x80 : 0,
      0x06,  // SPC-4
      configuration.supportsACA ? 0x32 : 0x12,  // NORMACA, HISUP, response data format 2
      91,
      configuration.targetPortGroups.isEmpty ? 0 : 0x10,  // TPGS: implicit
      0,
      0x02,  // CMDQUE
    ]
    data.append(text: configuration.vendor, count: 8)
    data.append(text: configuration.product, count: 16)
    data.append(text: configuration.revision, count: 4)
    data += [UInt8](repeating: 0, count: 22)
    // SAM-5, SPC-4, SBC-3, iSCSI: version descriptors without a claimed revision.
    for version: UInt64 in [0x00A0, 0x0460, 0x04C0, 0x0960] {
      data.append(number: version, count: 2)
    }
    return data + [UInt8](repeating: 0, count: 96 - data.count)
  }

  private var isBlockPageType: Bool { [0x00, 0x05, 0x07, 0x0E].contains(configuration.deviceType) }

  private func vitalProductData(page: UInt8) -> [UInt8]? {
    switch page {
    case 0x00: isBlockPageType ? [0x00, 0x80, 0x83, 0xB0, 0xB1, 0xB2] : [0x00, 0x80, 0x83]
    case 0x80: Array(configuration.serialNumber.utf8)
    case 0x83: deviceIdentification
    case 0xB0 where isBlockPageType: blockLimits
    case 0xB1 where isBlockPageType: blockDeviceCharacteristics
    case 0xB2 where isBlockPageType: logicalBlockProvisioning
    default: nil
    }
  }

  /// NAA, then T10 vendor identification (SPC-5, 7.7.6).
  private var deviceIdentification: [UInt8] {
    var page: [UInt8] = []
    if !configuration.naa.isEmpty {
      page += [0x01, 0x03, 0x00, UInt8(truncatingIfNeeded: configuration.naa.count)]
      page += configuration.naa
    }
    if let group = configuration.targetPortGroups.first?.identifier {
      // Of the target port, iSCSI: relative target port 1, target port group.
      page += [0x51, 0x94, 0x00, 4, 0, 0, 0, 1, 0x51, 0x95, 0x00, 4, 0, 0]
      page.append(number: UInt64(group), count: 2)
    }
    let serial = Array(configuration.serialNumber.utf8.prefix(32))
    page += [0x02, 0x01, 0x00, UInt8(8 + serial.count)]
    page.append(text: configuration.vendor, count: 8)
    return page + serial
  }

  /// REPORT TARGET PORT GROUPS, each group with one port (SPC-5, 6.37).
  func reportTargetPortGroups(_ cdb: CommandBytes) -> CommandResult {
    var data: [UInt8] = []
    data.append(number: UInt64(configuration.targetPortGroups.count * 12), count: 4)
    for (index, group) in configuration.targetPortGroups.enumerated() {
      // All seven states may come; status code 0, one port.
      data += [group.state, 0xCF]
      data.append(number: UInt64(group.identifier), count: 2)
      data += [0, 0, 0, 1, 0, 0]
      data.append(number: UInt64(index + 1), count: 2)
    }
    return .good(data, allocationLength: cdb.number(at: 6, count: 4))
  }

  private var blockLimits: [UInt8] {
    let isThin = configuration.isThinProvisioned
    let chunk = UInt32(store.chunkByteCount / configuration.blockLength)
    let granularity = UInt64(configuration.unmapGranularityBlocks ?? chunk)
    let alignment = configuration.unmapAlignmentBlocks.map { 0x8000_0000 | UInt64($0) } ?? 0
    var page: [UInt8] = [0x01, 0]  // WSNZ; no COMPARE AND WRITE
    page.append(number: 1 << UInt64(configuration.physicalBlockExponent), count: 2)
    page.append(number: UInt64(configuration.maximumTransferBlocks), count: 4)
    page.append(number: UInt64(configuration.optimalTransferBlocks), count: 4)
    page.append(number: 0, count: 4)
    page.append(number: isThin ? UInt64(configuration.maximumUnmapBlocks) : 0, count: 4)
    page.append(number: isThin ? UInt64(configuration.maximumUnmapDescriptors) : 0, count: 4)
    page.append(number: isThin ? granularity : 0, count: 4)
    page.append(number: isThin ? alignment : 0, count: 4)  // UGAVALID and the alignment
    page.append(number: configuration.maximumWriteSameBlocks, count: 8)
    return page + [UInt8](repeating: 0, count: 60 - page.count)
  }

  /// MEDIUM ROTATION RATE 1: it does not turn.
  private var blockDeviceCharacteristics: [UInt8] {
    [0x00, 0x01] + [UInt8](repeating: 0, count: 58)
  }

  /// LBPU, LBPWS, LBPWS10, LBPRZ = 001b; provisioning type 2, thin.
  private var logicalBlockProvisioning: [UInt8] {
    guard configuration.isThinProvisioned else { return [0, 0, 0, 0] }
    let flags: UInt8 =
      (configuration.unmaps ? 0x80 : 0) | (configuration.unmapsByWriteSame ? 0x60 : 0)
      | (configuration.unmappedBlocksReadZeros ? 0x04 : 0)
    return [0, flags, 0x02, 0]
  }
}
