/// Thin provisioning: UNMAP, WRITE SAME, GET LBA STATUS.
///
/// Unmapped blocks read as zeros where LBPRZ says so, and mapping is told by whole chunks of the
/// store.
extension SimulatedLogicalUnit {
  func prepareUnmap(_ cdb: CommandBytes) -> Preparation {
    // ANCHOR is not offered (VPD B2h, ANC_SUP).
    if cdb[1] & 0x01 != 0 { return .fails(.invalidFieldInCDB) }
    let length = Int(cdb.number(at: 7, count: 2))
    guard length == 0 || length >= 8 else { return .fails(.parameterListLengthError) }
    return .needs(dataOutByteCount: length)
  }

  /// Descriptors are all checked before any takes effect (SBC-4, 5.35).
  func unmap(_ dataOut: [UInt8]) -> CommandResult {
    guard dataOut.count >= 8 else { return .good }
    let list = CommandBytes(dataOut)
    let count = min(Int(list.number(at: 2, count: 2)), dataOut.count - 8) / 16
    guard count <= Int(configuration.maximumUnmapDescriptors) else {
      return .check(.invalidFieldInParameterList)
    }
    var extents: [Extent] = []
    var total: UInt64 = 0
    for index in 0..<count {
      let position = 8 + index * 16
      var extent = Extent(CommandBytes([]))
      extent.logicalBlockAddress = list.number(at: position, count: 8)
      extent.blockCount = list.number(at: position + 8, count: 4)
      guard contains(extent) else { return .check(.addressOutOfRange) }
      total += extent.blockCount
      extents.append(extent)
    }
    guard total <= UInt64(configuration.maximumUnmapBlocks) else {
      return .check(.invalidFieldInParameterList)
    }
    for extent in extents {
      deallocate(configuration.unmapLeavesParts ? wholeUnits(extent) : extent)
    }
    return .good
  }

  /// The units of deallocation inside an extent.
  private func wholeUnits(_ extent: Extent) -> Extent {
    let granularity = UInt64(granularityBlocks)
    let alignment = UInt64(configuration.unmapAlignmentBlocks ?? 0) % granularity
    func units(_ block: UInt64, roundingUp: Bool) -> UInt64 {
      guard block >= alignment else { return roundingUp ? alignment : 0 }
      let excess = (block - alignment) % granularity
      return block - excess + (roundingUp && excess > 0 ? granularity : 0)
    }
    let end = units(extent.logicalBlockAddress + extent.blockCount, roundingUp: false)
    var whole = extent
    whole.logicalBlockAddress = units(extent.logicalBlockAddress, roundingUp: true)
    whole.blockCount = end > whole.logicalBlockAddress ? end - whole.logicalBlockAddress : 0
    return whole
  }

  /// OPTIMAL UNMAP GRANULARITY, one where none is told.
  private var granularityBlocks: UInt32 {
    let chunk = UInt32(store.chunkByteCount / configuration.blockLength)
    return max(1, configuration.unmapGranularityBlocks ?? chunk)
  }

  func prepareWriteSame(_ cdb: CommandBytes) -> Preparation {
    let extent = Extent(cdb)
    let isUnmapping = cdb[1] & 0x08 != 0
    // WRPROTECT, ANCHOR, and WRITE SAME(10)'s obsolete PBDATA and LBDATA.
    if cdb[1] & 0xF0 != 0 || cdb[1] & 0x06 != 0 { return .fails(.invalidFieldInCDB) }
    let unmaps = configuration.isThinProvisioned && configuration.unmapsByWriteSame
    if isUnmapping && !unmaps { return .fails(.invalidFieldInCDB) }
    guard contains(extent) else { return .fails(.addressOutOfRange) }
    // WSNZ = 1: zero blocks do not mean "to the end".
    guard extent.blockCount > 0, extent.blockCount <= configuration.maximumWriteSameBlocks else {
      return .fails(.invalidFieldInCDB)
    }
    let hasNoData = cdb.operationCode == 0x93 && cdb[1] & 0x01 != 0
    if cdb.operationCode == 0x41 && cdb[1] & 0x01 != 0 { return .fails(.invalidFieldInCDB) }
    return .needs(dataOutByteCount: hasNoData ? 0 : configuration.blockLength)
  }

  func writeSame(_ cdb: CommandBytes, _ dataOut: [UInt8]) -> CommandResult {
    let extent = Extent(cdb)
    let length = configuration.blockLength
    let hasNoData = cdb.operationCode == 0x93 && cdb[1] & 0x01 != 0
    guard hasNoData || dataOut.count >= length else { return .good }
    let isZero = hasNoData || dataOut.prefix(length).allSatisfy { $0 == 0 }
    // UNMAP with data that unmapped blocks would not read back writes instead (SBC-4, 5.53).
    guard !isZero || cdb[1] & 0x08 == 0 && (!hasNoData || !configuration.unmappedBlocksReadZeros)
    else {
      deallocate(extent)
      return .good
    }
    let data = hasNoData ? [UInt8](repeating: 0, count: length) : dataOut
    let perPiece = max(1, (1 << 20) / length)
    var (address, remaining) = (extent.logicalBlockAddress, extent.blockCount)
    while remaining > 0 {
      let blocks = min(UInt64(perPiece), remaining)
      var piece: [UInt8] = []
      piece.reserveCapacity(byteCount(blocks))
      for _ in 0..<blocks { piece += data[..<length] }
      store.write(piece[...], at: byteOffset(address), throughCache: false)
      address += blocks
      remaining -= blocks
    }
    return .good
  }

  /// GET LBA STATUS: as many descriptors as the allocation length takes (SBC-4, 5.6).
  func getLBAStatus(from start: UInt64, allocationLength: UInt64) -> CommandResult {
    guard start < configuration.blockCount else { return .check(.addressOutOfRange) }
    let limit = max(1, (Int(min(allocationLength, 65536)) - 8) / 16)
    var body: [UInt8] = []
    for run in runs(from: start, limit: limit) {
      body.append(number: run.start, count: 8)
      body.append(number: run.count, count: 4)
      body += [run.isMapped ? 0 : 1, 0, 0, 0]
    }
    var data: [UInt8] = []
    data.append(number: UInt64(body.count + 4), count: 4)
    data += [0, 0, 0, 0]
    return .good(data + body, allocationLength: allocationLength)
  }

  /// Runs of equally provisioned blocks from `start` on, at most `limit` and 2^32-1 blocks each.
  package func runs(
    from start: UInt64, limit: Int
  ) -> [(start: UInt64, count: UInt64, isMapped: Bool)] {
    let perChunk = UInt64(store.chunkByteCount / configuration.blockLength)
    var runs: [(start: UInt64, count: UInt64, isMapped: Bool)] = []
    func append(_ range: Range<UInt64>, _ isMapped: Bool) {
      let range = range.clamped(to: start..<configuration.blockCount)
      guard !range.isEmpty else { return }
      if let last = runs.last, last.isMapped == isMapped {
        runs[runs.count - 1].count += UInt64(range.count)
      } else {
        runs.append((range.lowerBound, UInt64(range.count), isMapped))
      }
    }
    var position = start
    for chunk in store.allocatedChunks where (chunk + 1) * perChunk > start {
      if runs.count > limit { break }
      let first = chunk * perChunk
      if first > position { append(position..<first, false) }
      append(first..<first + perChunk, true)
      position = first + perChunk
    }
    if position < configuration.blockCount { append(position..<configuration.blockCount, false) }
    return runs.prefix(limit).map { ($0.start, min($0.count, UInt64(UInt32.max)), $0.isMapped) }
  }

  private func deallocate(_ extent: Extent) {
    store.deallocate(
      at: byteOffset(extent.logicalBlockAddress),
      count: extent.blockCount * UInt64(configuration.blockLength))
  }
}
