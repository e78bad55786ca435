/// Commands in two steps: what a command needs from the initiator, then what it does with it.
extension SimulatedLogicalUnit {
  /// What a CDB wants before it can run.
  package enum Preparation: Equatable, Sendable {
    /// Run it when this many bytes have come (0: now).
    case needs(dataOutByteCount: Int)
    /// It fails whatever data comes.
    case fails(SenseData)
  }

  /// Checks `cdb` and says how much Data-Out it takes.
  package func prepare(_ cdb: CommandBytes) -> Preparation {
    if let sense = refusal(of: cdb) { return .fails(sense) }
    switch cdb.operationCode {
    case 0x0A, 0x2A, 0xAA, 0x8A, 0x2E, 0xAE, 0x8E:
      return prepareTransfer(cdb, isWrite: true)
    case 0x08, 0x28, 0xA8, 0x88:
      return prepareTransfer(cdb, isWrite: false)
    case 0x2F, 0xAF, 0x8F:
      return prepareVerify(cdb)
    case 0x41, 0x93:
      return prepareWriteSame(cdb)
    case 0x42:
      return prepareUnmap(cdb)
    default:
      return .needs(dataOutByteCount: 0)
    }
  }

  /// Runs a prepared command on the Data-Out that came; less than asked for is what was expected
  /// to move, and only whole blocks of it are used.
  package func execute(_ cdb: CommandBytes, dataOut: [UInt8]) -> CommandResult {
    switch cdb.operationCode {
    case 0x00: .good
    case 0x12: inquiry(cdb)
    case 0x03: requestSense(cdb, pending: nil)
    case 0x1A, 0x5A: modeSense(cdb)
    case 0x1B: startStopUnit(cdb)
    case 0xA3: reportTargetPortGroups(cdb)
    case 0x25: readCapacity10(cdb)
    case 0x9E:
      cdb.serviceAction == 0x10
        ? readCapacity16(cdb)
        : getLBAStatus(
          from: cdb.number(at: 2, count: 8), allocationLength: cdb.number(at: 10, count: 4))
    case 0x7F:
      getLBAStatus(
        from: cdb.number(at: 12, count: 8), allocationLength: cdb.number(at: 28, count: 4))
    case 0x08, 0x28, 0xA8, 0x88: read(cdb)
    case 0x0A, 0x2A, 0xAA, 0x8A, 0x2E, 0xAE, 0x8E: write(cdb, dataOut)
    case 0x2F, 0xAF, 0x8F: verify(cdb, dataOut)
    case 0x35, 0x91: synchronizeCache(cdb)
    case 0x41, 0x93: writeSame(cdb, dataOut)
    case 0x42: unmap(dataOut)
    default: .check(.invalidOperationCode)
    }
  }

  /// REQUEST SENSE: the pending unit attention as data, or NO SENSE (SPC-5, 6.39).
  package func requestSense(_ cdb: CommandBytes, pending: SenseData?) -> CommandResult {
    let sense = (pending ?? .none).encoded(descriptorFormat: cdb[1] & 0x01 != 0)
    return .good(sense, allocationLength: UInt64(cdb[4]))
  }

  /// What type, state and protection forbid, before the CDB's own fields.
  private func refusal(of cdb: CommandBytes) -> SenseData? {
    switch cdb.operationCode {
    case 0x00: return readiness
    case 0x03, 0x12: return nil
    case 0x1A, 0x5A, 0x1B: return nil
    case 0x25: return isBlockDevice ? readiness : .invalidOperationCode
    case 0x9E where cdb.serviceAction == 0x10:
      return isBlockDevice ? readiness : .invalidOperationCode
    case 0x9E where cdb.serviceAction == 0x12:
      guard isBlockDevice, configuration.isThinProvisioned else { return .invalidOperationCode }
      return readiness
    case 0x9E: return .invalidFieldInCDB
    case 0x7F:
      // A variable-length CDB has as many bytes as it says behind its eighth (SPC-5, 4.2.3); of
      // those with 32 there is GET LBA STATUS(32) (SBC-4, 5.7).
      guard isBlockDevice, configuration.isThinProvisioned else { return .invalidOperationCode }
      let isWhole = cdb[7] == 0x18 && cdb.bytes.count == 32
      return isWhole && cdb.number(at: 8, count: 2) == 0x0012 ? readiness : .invalidFieldInCDB
    case 0xA3 where !configuration.targetPortGroups.isEmpty:
      return cdb.serviceAction == 0x0A ? nil : .invalidFieldInCDB
    case 0x08, 0x28, 0xA8, 0x88, 0x2F, 0xAF, 0x8F, 0x35, 0x91:
      return isBlockDevice ? readiness : .invalidOperationCode
    case 0x0A, 0x2A, 0xAA, 0x8A, 0x2E, 0xAE, 0x8E, 0x41, 0x93:
      guard isBlockDevice else { return .invalidOperationCode }
      return readiness ?? (isWriteProtected ? .writeProtected : nil)
    case 0x42:
      guard isBlockDevice, configuration.isThinProvisioned, configuration.unmaps else {
        return .invalidOperationCode
      }
      return readiness ?? (isWriteProtected ? .writeProtected : nil)
    default: return .invalidOperationCode
    }
  }

  /// Types that carry logical blocks: disk, CD, optical, simplified disk.
  private var isBlockDevice: Bool { [0x00, 0x05, 0x07, 0x0E].contains(configuration.deviceType) }

  private var isWriteProtected: Bool {
    configuration.isWriteProtected || configuration.deviceType == 0x05
  }

  /// Standby is a state of the port, to which the medium's does not come (SPC-5, 5.17.2.4.4).
  private var readiness: SenseData? {
    if configuration.targetPortGroups.first?.state == 0x2 { return .standby }
    return isStarted ? nil : .stopped
  }

  private func startStopUnit(_ cdb: CommandBytes) -> CommandResult {
    // POWER CONDITION other than START_VALID is not offered (SBC-4, 5.28).
    guard cdb[4] & 0xF0 == 0 else { return .check(.invalidFieldInCDB) }
    isStarted = cdb[4] & 0x01 != 0
    if !isStarted { store.synchronize() }
    return .good
  }
}
