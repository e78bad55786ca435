import LogicalUnit
import SCSI
import SystemPackage
import Wire

/// Everything asked of one logical unit.
extension LogicalUnitScanner {
  /// Asks one listed LUN what it is; nil when nothing is to be shown of it.
  ///
  /// INQUIRY comes first and alone decides whether anything follows.
  func probe(_ lun: LogicalUnitNumber) async throws(ScanFailure) -> ProbedLogicalUnit? {
    let inquiry: InquiryData
    do {
      inquiry = try parse(try await run(.inquiry(), on: lun, capacity: 252))
    } catch {
      if error.isGone { return nil }
      throw error
    }
    let description = LogicalUnitDescription(logicalUnitNumber: lun, inquiry: inquiry)
    switch inquiry.presence {
    case .absent: return nil
    case .offline:
      return ProbedLogicalUnit(
        description: description,
        availability: .closed(.noSuchAddressOrDevice, reason: "no device is connected to the LUN"))
    case .informationOnly:
      var unit = ProbedLogicalUnit(
        description: description, availability: .informationOnly(reason: nil))
      try await readPages(of: &unit)
      return unit
    case .file:
      var unit = ProbedLogicalUnit(
        description: description, availability: .informationOnly(reason: nil))
      try await readPages(of: &unit)
      unit.description.accessState = try await accessState(of: unit.description)
      do {
        try await readMedium(of: &unit)
      } catch {
        if error.isGone { return nil }
        switch error {
        case .refused(let failure, _):
          let errno: Errno = failure == .mediumNotPresent ? .noMedium : .noSuchAddressOrDevice
          unit.availability = .closed(errno, reason: error.sentence)
        case .capacityUntold: unit.availability = .informationOnly(reason: error.sentence)
        case .session, .malformed, .incomplete: throw error
        }
      }
      return unit
    }
  }

  /// Asks one listed LUN only who it is; nil when there is no disk.
  ///
  /// A unit with the expected names that is not ready to tell its blocks is taken at its names: it
  /// does not take commands for its blocks either.
  func identity(
    of lun: LogicalUnitNumber, expecting expected: LogicalUnitIdentity
  ) async throws(ScanFailure) -> LogicalUnitIdentity? {
    let inquiry: InquiryData = try parse(try await run(.inquiry(), on: lun, capacity: 252))
    guard inquiry.presence == .file else { return nil }
    var unit = ProbedLogicalUnit(
      description: LogicalUnitDescription(logicalUnitNumber: lun, inquiry: inquiry),
      availability: .informationOnly(reason: nil))
    try await readPages(of: &unit)
    let serial = unit.description.unitSerialNumber?.text ?? ""
    var identity = LogicalUnitIdentity(
      worldWideName: unit.description.deviceIdentification?.worldWideName,
      serial: serial.isEmpty ? nil : serial, vendor: inquiry.vendor, product: inquiry.product,
      logicalBlockLength: expected.logicalBlockLength, blockCount: expected.blockCount)
    do throws(ScanFailure) {
      let (capacity, _) = try await capacity(of: lun, patience: Self.identityPatience)
      identity.logicalBlockLength = capacity.logicalBlockLengthBytes
      identity.blockCount = capacity.lastLogicalBlockAddress.rawValue &+ 1
    } catch {
      guard case .refused = error, !error.isGone, identity.isNamed else { throw error }
    }
    return identity
  }

  /// Page 00h, then those of our pages it lists.
  private func readPages(of unit: inout ProbedLogicalUnit) async throws(ScanFailure) {
    guard let list = try await page(.supportedPages, of: &unit),
      let supported: SupportedVitalProductData = try? parse(list)
    else { return }
    if supported.contains(.unitSerialNumber),
      let bytes = try await page(.unitSerialNumber, of: &unit)
    {
      unit.description.unitSerialNumber = try? parse(bytes)
    }
    if supported.contains(.deviceIdentification),
      let bytes = try await page(.deviceIdentification, of: &unit)
    {
      unit.description.deviceIdentification = try? parse(bytes)
    }
    if supported.contains(.blockLimits), let bytes = try await page(.blockLimits, of: &unit) {
      unit.description.blockLimits = try? parse(bytes)
    }
    if supported.contains(.logicalBlockProvisioning),
      let bytes = try await page(.logicalBlockProvisioning, of: &unit)
    {
      unit.description.provisioning = try? parse(bytes)
    }
    // Of these people are shown the bytes; nothing here depends on them.
    for shown in [VitalProductDataPage.blockDeviceCharacteristics, .thirdPartyCopy]
    where supported.contains(shown) {
      _ = try await page(shown, of: &unit)
    }
  }

  /// The state of the target port group the unit is reached through; nil where it tells of none.
  private func accessState(
    of description: LogicalUnitDescription
  ) async throws(ScanFailure) -> AsymmetricAccessState? {
    guard !description.inquiry.targetPortGroupSupport.isEmpty,
      let group = description.deviceIdentification?.targetPortGroup
    else { return nil }
    do {
      let groups: TargetPortGroups = try parse(
        try await run(
          .reportTargetPortGroups(allocationLength: 4096), on: description.logicalUnitNumber,
          capacity: 4096))
      return groups.state(of: group)
    } catch {
      guard error.isForgivable else { throw error }
      return nil
    }
  }

  /// One page, whole, also kept as read; nil when the unit refuses it.
  ///
  /// Some old devices look at one byte of the allocation length only, so 252 is asked for first.
  private func page(
    _ page: VitalProductDataPage, of unit: inout ProbedLogicalUnit
  ) async throws(ScanFailure) -> [UInt8]? {
    let lun = unit.description.logicalUnitNumber
    var bytes: [UInt8] = []
    for allocationLength: UInt16 in [252, 4096] {
      do {
        bytes = try await run(
          .inquiry(vitalProductDataPage: page, allocationLength: allocationLength), on: lun,
          capacity: Int(allocationLength))
      } catch {
        guard case .refused = error, !error.isGone else { throw error }
        return nil
      }
      guard bytes.count >= 4 else { return nil }
      let claimed = 4 + bytes.withRawSpan { Int($0.bigEndian(at: 2, as: UInt16.self)) }
      if claimed <= Int(allocationLength) { break }
    }
    unit.pages.append(VitalProductDataPageBytes(code: page.rawValue, bytes: bytes))
    return bytes
  }

  /// Readiness, capacity and mode parameters: what makes a unit a file.
  private func readMedium(of unit: inout ProbedLogicalUnit) async throws(ScanFailure) {
    let lun = unit.description.logicalUnitNumber
    do {
      _ = try await run(.testUnitReady, on: lun, patience: Self.readyPatience)
    } catch {
      // A reservation of somebody else's forbids this command, not reading the capacity.
      guard case .refused(.reservationConflict, _) = error else { throw error }
    }
    let (capacity, isSixteen) = try await capacity(of: lun)
    unit.description.capacity = capacity
    unit.supportsSixteenByteCommands = isSixteen
    unit.description.modeParameters = try await modeParameters(of: lun)
    do {
      if let geometry = try unit.description.geometry() {
        unit.availability = .serving(geometry)
      }
    } catch {
      unit.availability = .informationOnly(reason: "\(error)")
    }
  }

  /// READ CAPACITY(16), or (10) where the unit does not know it; true when it was (16).
  private func capacity(
    of lun: LogicalUnitNumber, patience: Duration = LogicalUnitScanner.patience
  ) async throws(ScanFailure) -> (ReadCapacityData, isSixteen: Bool) {
    do {
      let bytes = try await run(
        .readCapacity16(), on: lun, capacity: 32, patience: patience)
      return (try read(bytes, ReadCapacityData.init(parsingReadCapacity16:)), true)
    } catch {
      guard error.isUnsupported else { throw error }
    }
    let bytes = try await run(.readCapacity10, on: lun, capacity: 8, patience: patience)
    let capacity = try read(bytes, ReadCapacityData.init(parsingReadCapacity10:))
    // More blocks than it can tell: a file cut off there would lose what lies behind.
    guard !capacity.exceedsReadCapacity10 else { throw .capacityUntold }
    return (capacity, false)
  }

  /// MODE SENSE in the forms targets know: (6) with the caching page, (6) with all, (10).
  private func modeParameters(
    of lun: LogicalUnitNumber
  ) async throws(ScanFailure) -> ModeParameters? {
    for page in [ModePage.caching, .all] {
      do {
        let bytes = try await run(.modeSense6(page: page), on: lun, capacity: 252)
        return try read(bytes, ModeParameters.init(parsingModeSense6:))
      } catch {
        guard error.isForgivable else { throw error }
      }
    }
    do {
      let bytes = try await run(.modeSense10(page: .caching), on: lun, capacity: 252)
      return try read(bytes, ModeParameters.init(parsingModeSense10:))
    } catch {
      guard error.isForgivable else { throw error }
      return nil
    }
  }

  /// Reads with a parser that is not the only one of its type.
  private func read<Data>(
    _ bytes: [UInt8], _ parse: (borrowing RawSpan) throws(ParameterDataError) -> Data
  ) throws(ScanFailure) -> Data {
    do { return try bytes.withRawSpan(parse) } catch { throw .malformed(error) }
  }
}

extension ScanFailure {
  /// True when the unit is there and may do without the answer.
  fileprivate var isForgivable: Bool {
    switch self {
    case .session: false
    case .refused: !isGone
    case .malformed, .incomplete, .capacityUntold: true
    }
  }
}
