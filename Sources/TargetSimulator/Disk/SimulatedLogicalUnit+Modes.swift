/// READ CAPACITY and MODE SENSE: what a unit says of its size and its modes.
extension SimulatedLogicalUnit {
  func readCapacity10(_ cdb: CommandBytes) -> CommandResult {
    // A block address without PMI is an error (SBC-3, 5.15).
    guard cdb[8] & 0x01 != 0 || cdb.number(at: 2, count: 4) == 0 else {
      return .check(.invalidFieldInCDB)
    }
    var data: [UInt8] = []
    data.append(number: min(configuration.blockCount - 1, UInt64(UInt32.max)), count: 4)
    data.append(number: UInt64(configuration.blockLength), count: 4)
    return .good(data)
  }

  func readCapacity16(_ cdb: CommandBytes) -> CommandResult {
    guard cdb[14] & 0x01 != 0 || cdb.number(at: 2, count: 8) == 0 else {
      return .check(.invalidFieldInCDB)
    }
    var data: [UInt8] = []
    data.append(number: configuration.blockCount - 1, count: 8)
    data.append(number: UInt64(configuration.blockLength), count: 4)
    data.append(0)
    data.append(configuration.physicalBlockExponent & 0x0F)
    let readsZeros: UInt8 = configuration.unmappedBlocksReadZeros ? 0x40 : 0
    data.append(configuration.isThinProvisioned ? 0x80 | readsZeros : 0)  // LBPME, LBPRZ
    data += [UInt8](repeating: 0, count: 32 - data.count)
    return .good(data, allocationLength: cdb.number(at: 10, count: 4))
  }

  /// MODE SENSE(6) and (10) with the caching and control pages (SPC-5, 6.14; SBC-4, 6.5.6).
  func modeSense(_ cdb: CommandBytes) -> CommandResult {
    let isLong = cdb.operationCode == 0x5A
    let control = cdb[2] >> 6
    let (page, subpage) = (cdb[2] & 0x3F, cdb[3])
    guard control != 3 else { return .check(.savingParametersNotSupported) }
    guard subpage == 0 || (subpage == 0xFF && page == 0x3F) else {
      return .check(.invalidFieldInCDB)
    }
    var pages: [UInt8] = []
    switch page {
    case 0x08: pages = cachingPage(control)
    case 0x0A: pages = controlPage(control)
    case 0x3F: pages = cachingPage(control) + controlPage(control)
    default: return .check(.invalidFieldInCDB)
    }
    let isWithDescriptor = cdb[1] & 0x08 == 0
    let isLongDescriptor = isLong && cdb[1] & 0x10 != 0
    let descriptor = isWithDescriptor ? blockDescriptor(isLong: isLongDescriptor) : []
    // WP and DPOFUA.
    let isProtected = configuration.isWriteProtected || configuration.deviceType == 0x05
    let specific: UInt8 = (isProtected ? 0x80 : 0) | 0x10
    var data: [UInt8] = []
    if isLong {
      data.append(number: UInt64(6 + descriptor.count + pages.count), count: 2)
      data += [0, specific, isLongDescriptor ? 1 : 0, 0]
      data.append(number: UInt64(descriptor.count), count: 2)
    } else {
      data.append(UInt8(3 + descriptor.count + pages.count))
      data += [0, specific, UInt8(descriptor.count)]
    }
    return .good(
      data + descriptor + pages,
      allocationLength: isLong ? cdb.number(at: 7, count: 2) : UInt64(cdb[4]))
  }

  /// Page control 1 asks what can be changed: nothing, as there is no MODE SELECT.
  private func cachingPage(_ control: UInt8) -> [UInt8] {
    var page = [UInt8](repeating: 0, count: 20)
    page[0] = 0x08
    page[1] = 18
    if control != 1 && configuration.hasVolatileCache { page[2] = 0x04 }  // WCE
    return page
  }

  private func controlPage(_ control: UInt8) -> [UInt8] {
    var page = [UInt8](repeating: 0, count: 12)
    page[0] = 0x0A
    page[1] = 10
    if control != 1 && configuration.usesDescriptorSense { page[2] = 0x04 }  // D_SENSE
    return page
  }

  private func blockDescriptor(isLong: Bool) -> [UInt8] {
    var bytes: [UInt8] = []
    if isLong {
      bytes.append(number: configuration.blockCount, count: 8)
      bytes.append(number: 0, count: 4)
      bytes.append(number: UInt64(configuration.blockLength), count: 4)
    } else {
      bytes.append(number: min(configuration.blockCount, UInt64(UInt32.max)), count: 4)
      bytes.append(number: UInt64(configuration.blockLength), count: 4)
    }
    return bytes
  }
}
