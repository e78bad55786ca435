package import SCSI

/// What makes a logical unit the same one after a new login: its names and its blocks, not its LUN.
///
/// A LUN file is never written when the logical unit behind it has become another.
package struct LogicalUnitIdentity: Hashable, Sendable {
  /// The world wide name of VPD page 83h, nil where the device has none.
  package var worldWideName: String?

  /// The serial number of VPD page 80h, nil where the device has none.
  package var serial: String?

  /// T10 VENDOR IDENTIFICATION and PRODUCT IDENTIFICATION of the INQUIRY data.
  package var vendor: String
  package var product: String

  package var logicalBlockLength: UInt32
  package var blockCount: UInt64

  package init(
    worldWideName: String?, serial: String?, vendor: String, product: String,
    logicalBlockLength: UInt32, blockCount: UInt64
  ) {
    self.worldWideName = worldWideName
    self.serial = serial
    self.vendor = vendor
    self.product = product
    self.logicalBlockLength = logicalBlockLength
    self.blockCount = blockCount
  }

  /// The identity told by a unit's INQUIRY data, its two identifying pages and its geometry.
  ///
  /// An empty serial number is none.
  package init(
    inquiry: InquiryData, deviceIdentification: DeviceIdentification?,
    unitSerialNumber: UnitSerialNumber?, geometry: Geometry
  ) {
    let serial = unitSerialNumber?.text ?? ""
    self.init(
      worldWideName: deviceIdentification?.worldWideName,
      serial: serial.isEmpty ? nil : serial,
      vendor: inquiry.vendor, product: inquiry.product,
      logicalBlockLength: geometry.logicalBlockLength, blockCount: geometry.blockCount)
  }
}

extension LogicalUnitIdentity {
  /// True when the device gave a name of its own, so that a changed capacity does not confuse.
  package var isNamed: Bool { worldWideName != nil || serial != nil }

  /// True when `other`, found later under the same LUN, is the same logical unit.
  ///
  /// A named one may grow or shrink. One without any name is only known by its model and its exact
  /// capacity. Block lengths never change; a name that appears or disappears is a change.
  package func matches(_ other: LogicalUnitIdentity) -> Bool {
    guard worldWideName == other.worldWideName, serial == other.serial,
      logicalBlockLength == other.logicalBlockLength
    else { return false }
    return isNamed
      || (vendor == other.vendor && product == other.product && blockCount == other.blockCount)
  }

  /// True when `other`, found under another LUN or target, may be another path to the same unit.
  ///
  /// Cloned devices share world wide names: serial number and capacity must agree too, and still a
  /// person has to opt in.
  package func mayBeAnotherPath(to other: LogicalUnitIdentity) -> Bool {
    worldWideName != nil && worldWideName == other.worldWideName && serial == other.serial
      && logicalBlockLength == other.logicalBlockLength && blockCount == other.blockCount
  }
}
