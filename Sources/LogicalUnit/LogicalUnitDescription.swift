package import SCSI

/// Everything discovery learnt of one logical unit, for `lun<N>.info` and for planning.
///
/// Parts a device did not report, or that are not asked for (a tape's capacity), are nil.
package struct LogicalUnitDescription: Hashable, Sendable {
  package var logicalUnitNumber: LogicalUnitNumber
  package var inquiry: InquiryData

  /// Page 83h.
  package var deviceIdentification: DeviceIdentification?

  /// Page 80h.
  package var unitSerialNumber: UnitSerialNumber?

  /// Page B0h.
  package var blockLimits: BlockLimits?

  /// Page B2h.
  package var provisioning: LogicalBlockProvisioning?

  /// How the unit is reached through the port asked on, where it has such states (ALUA).
  package var accessState: AsymmetricAccessState?

  package var capacity: ReadCapacityData?
  package var modeParameters: ModeParameters?

  /// A logical unit of which only the INQUIRY data are known yet.
  package init(logicalUnitNumber: LogicalUnitNumber, inquiry: InquiryData) {
    self.logicalUnitNumber = logicalUnitNumber
    self.inquiry = inquiry
  }
}

extension LogicalUnitDescription {
  /// How the logical unit is shown.
  package var presence: LogicalUnitPresence { inquiry.presence }

  /// The geometry, or nil before the capacity is known; throws when it cannot be served.
  package func geometry() throws(GeometryError) -> Geometry? {
    guard let capacity else { return nil }
    return try Geometry(capacity: capacity, limits: blockLimits)
  }

  /// The identity of the unit with this geometry.
  package func identity(geometry: Geometry) -> LogicalUnitIdentity {
    LogicalUnitIdentity(
      inquiry: inquiry, deviceIdentification: deviceIdentification,
      unitSerialNumber: unitSerialNumber, geometry: geometry)
  }

  /// True when the file is read-only: the medium says so, or is an optical disc.
  package var isWriteProtected: Bool {
    modeParameters?.isWriteProtected ?? false || inquiry.peripheralDeviceType == .opticalDisc
  }

  /// True when a single write may be forced to the medium (DPOFUA).
  package var supportsForceUnitAccess: Bool {
    modeParameters?.supportsForceUnitAccess ?? false
  }

  /// True when written data may be lost with power until a flush: unless the device denies it.
  ///
  /// A device that does not say is flushed: a needless SYNCHRONIZE CACHE costs little, a missing
  /// one loses data.
  package var hasVolatileCache: Bool {
    modeParameters?.writeCacheEnabled ?? true
  }

  /// True when READ CAPACITY(16) says that blocks may be unmapped, and page B2h does not deny it.
  package var isThinlyProvisioned: Bool {
    guard let capacity, capacity.isProvisioningManaged else { return false }
    return provisioning?.kind != .notReportedOrFull
  }

  /// True when unmapped blocks read as zeros, by either report of LBPRZ.
  package var unmappedBlocksReadZeros: Bool {
    capacity?.unmappedBlocksReadZeros ?? false || provisioning?.unmappedBlocksReadZeros ?? false
  }

  /// How the logical unit gives blocks back, in the kernel's words for `provisioning_mode`.
  package var provisioningMode: ProvisioningMode {
    guard let capacity, capacity.isProvisioningManaged, let provisioning else { return .full }
    if provisioning.supportsUnmap, blockLimits?.supportsUnmap ?? false { return .unmap }
    if provisioning.supportsWriteSame16Unmap { return .writeSame16 }
    return .disabled
  }
}
