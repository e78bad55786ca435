/// How a logical unit that REPORT LUNS listed is shown, by its INQUIRY answer alone.
package enum LogicalUnitPresence: UInt8, BitwiseCopyable, Hashable, Sendable {
  /// Nothing is shown, and no further command is sent.
  case absent

  /// A file whose state is `offline`; opening it gives ENXIO.
  case offline

  /// Attributes without a data file: the device is no block device.
  case informationOnly

  /// A data file.
  case file

  /// The presence of a logical unit whose INQUIRY data start with this qualifier and type.
  ///
  /// Reserved and vendor-specific qualifiers promise no block device, so they get no data file.
  @inlinable
  package init(qualifier: PeripheralQualifier, deviceType: PeripheralDeviceType) {
    switch qualifier {
    case .notSupported: self = .absent
    case .notConnected: self = deviceType == .unknown ? .absent : .offline
    case .connected:
      let hasBlocks = deviceType == .disk || deviceType == .opticalDisc
      self = hasBlocks ? .file : .informationOnly
    default: self = .informationOnly
    }
  }
}
