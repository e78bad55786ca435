/// Reading, writing, verifying and synchronising blocks.
extension SimulatedLogicalUnit {
  /// Where a command works, decoded from the CDB sizes SBC has.
  struct Extent {
    var logicalBlockAddress: UInt64
    var blockCount: UInt64

    /// Reads the extent of a 6, 10, 12 or 16 byte CDB; the group code says which.
    init(_ cdb: CommandBytes) {
      switch cdb.operationCode >> 5 {
      case 0:
        logicalBlockAddress = cdb.number(at: 1, count: 3) & 0x1F_FFFF
        // READ(6) and WRITE(6): zero means 256 (SBC-4, 5.10).
        blockCount = cdb[4] == 0 ? 256 : UInt64(cdb[4])
      case 1, 2:
        logicalBlockAddress = cdb.number(at: 2, count: 4)
        blockCount = cdb.number(at: 7, count: 2)
      case 5:
        logicalBlockAddress = cdb.number(at: 2, count: 4)
        blockCount = cdb.number(at: 6, count: 4)
      default:
        logicalBlockAddress = cdb.number(at: 2, count: 8)
        blockCount = cdb.number(at: 10, count: 4)
      }
    }
  }

  /// True when the extent lies on the medium; an empty one may begin right behind it.
  func contains(_ extent: Extent) -> Bool {
    let blocks = configuration.blockCount
    return extent.logicalBlockAddress <= blocks
      && extent.blockCount <= blocks - extent.logicalBlockAddress
  }

  func prepareTransfer(_ cdb: CommandBytes, isWrite: Bool) -> Preparation {
    let extent = Extent(cdb)
    // RDPROTECT, WRPROTECT: no protection information here (SBC-4, 5.12). READ(6) has none.
    if cdb.operationCode >> 5 != 0 && cdb[1] & 0xE0 != 0 { return .fails(.invalidFieldInCDB) }
    // BYTCHK of WRITE AND VERIFY as in VERIFY: 10b is reserved.
    if [0x2E, 0xAE, 0x8E].contains(cdb.operationCode) && cdb[1] & 0x06 == 0x04 {
      return .fails(.invalidFieldInCDB)
    }
    guard contains(extent) else { return .fails(.addressOutOfRange) }
    guard extent.blockCount <= UInt64(configuration.maximumTransferBlocks) else {
      return .fails(.invalidFieldInCDB)
    }
    return .needs(dataOutByteCount: isWrite ? byteCount(extent.blockCount) : 0)
  }

  func prepareVerify(_ cdb: CommandBytes) -> Preparation {
    let extent = Extent(cdb)
    if cdb[1] & 0xE0 != 0 { return .fails(.invalidFieldInCDB) }
    guard contains(extent) else { return .fails(.addressOutOfRange) }
    switch cdb[1] & 0x06 {
    case 0x00:
      return .needs(dataOutByteCount: 0)
    case 0x02:
      guard extent.blockCount <= UInt64(configuration.maximumTransferBlocks) else {
        return .fails(.invalidFieldInCDB)
      }
      return .needs(dataOutByteCount: byteCount(extent.blockCount))
    case 0x06:
      return .needs(dataOutByteCount: extent.blockCount == 0 ? 0 : configuration.blockLength)
    default:
      return .fails(.invalidFieldInCDB)
    }
  }

  func read(_ cdb: CommandBytes) -> CommandResult {
    let extent = Extent(cdb)
    if let bad = firstUnreadable(extent) { return .check(.unrecoveredReadError(at: bad)) }
    return CommandResult(
      status: 0,
      data: contents(
        at: byteOffset(extent.logicalBlockAddress), count: byteCount(extent.blockCount)))
  }

  func write(_ cdb: CommandBytes, _ dataOut: [UInt8]) -> CommandResult {
    let isVerified = [0x2E, 0xAE, 0x8E].contains(cdb.operationCode)
    let isForced = cdb.operationCode >> 5 != 0 && cdb[1] & 0x08 != 0
    let whole = dataOut.count - dataOut.count % configuration.blockLength
    store.write(
      dataOut[..<whole], at: byteOffset(Extent(cdb).logicalBlockAddress),
      throughCache: isForced || isVerified)
    return .good
  }

  func verify(_ cdb: CommandBytes, _ dataOut: [UInt8]) -> CommandResult {
    let extent = Extent(cdb)
    if let bad = firstUnreadable(extent) { return .check(.unrecoveredReadError(at: bad)) }
    let bytchk = cdb[1] & 0x06
    guard bytchk != 0, !dataOut.isEmpty else { return .good }
    let length = configuration.blockLength
    for index in 0..<extent.blockCount {
      let start = bytchk == 0x06 ? 0 : byteCount(index)
      guard start + length <= dataOut.count else { break }
      let medium = contents(at: byteOffset(extent.logicalBlockAddress + index), count: length)
      let expected = dataOut[start..<start + length]
      guard medium[...] != expected else { continue }
      let difference = zip(medium, expected).prefix { $0 == $1 }.count
      return .check(.miscompare(at: UInt64(byteCount(index) + difference)))
    }
    return .good
  }

  /// SYNCHRONIZE CACHE: the range is checked, and everything is made stable, which SBC allows.
  func synchronizeCache(_ cdb: CommandBytes) -> CommandResult {
    guard contains(Extent(cdb)) else { return .check(.addressOutOfRange) }
    store.synchronize()
    return .good
  }

  func byteOffset(_ logicalBlockAddress: UInt64) -> UInt64 {
    logicalBlockAddress * UInt64(configuration.blockLength)
  }

  /// Only for counts that `prepare` has bounded.
  func byteCount(_ blocks: UInt64) -> Int { Int(blocks) * configuration.blockLength }

  private func firstUnreadable(_ extent: Extent) -> UInt64? {
    let end = extent.logicalBlockAddress + extent.blockCount
    return configuration.unreadableBlocks
      .map { $0.clamped(to: extent.logicalBlockAddress..<end) }
      .filter { !$0.isEmpty }
      .map(\.lowerBound).min()
  }
}
