import Wire

/// Standard INQUIRY data: what a logical unit says it is.
///
/// Everything read lies in the 36 bytes every device has sent since SCSI-2, so the additional
/// length is not believed: only bytes received count.
/// Source: SPC-5, 6.7.2 (standard INQUIRY data).
package struct InquiryData: ParameterData, Hashable, Sendable {
  package var peripheralQualifier: PeripheralQualifier
  package var peripheralDeviceType: PeripheralDeviceType

  /// RMB: the medium can be taken out.
  package var isRemovable: Bool

  /// VERSION: 05h is SPC-3, 06h SPC-4, 07h SPC-5; 00h claims no standard.
  package var version: UInt8

  package var targetPortGroupSupport: TargetPortGroupSupport

  /// 3PC: third-party copy commands are supported.
  package var supportsThirdPartyCopy: Bool

  /// PROTECT: protection information is supported.
  package var supportsProtectionInformation: Bool

  /// CMDQUE: more than one task may be outstanding.
  package var supportsCommandQueuing: Bool

  /// T10 VENDOR IDENTIFICATION, trimmed and escaped.
  package var vendor: String

  /// PRODUCT IDENTIFICATION, trimmed and escaped.
  package var product: String

  /// PRODUCT REVISION LEVEL, trimmed and escaped.
  package var revision: String

  /// Throws only when there is no first byte; text and flags not received are empty and false.
  package init(parsing bytes: borrowing RawSpan) throws(ParameterDataError) {
    let count = bytes.byteCount
    guard count >= 1 else { throw .tooShort(byteCount: count, minimum: 1) }
    let device = bytes.byte(at: 0)
    peripheralQualifier = PeripheralQualifier(rawValue: device >> 5)
    peripheralDeviceType = PeripheralDeviceType(rawValue: device & 0x1F)
    isRemovable = count > 1 && bytes.byte(at: 1) & 0x80 != 0
    version = count > 2 ? bytes.byte(at: 2) : 0
    let features = count > 5 ? bytes.byte(at: 5) : 0
    targetPortGroupSupport = TargetPortGroupSupport(bits: features >> 4)
    supportsThirdPartyCopy = features & 0x08 != 0
    supportsProtectionInformation = features & 0x01 != 0
    supportsCommandQueuing = count > 7 && bytes.byte(at: 7) & 0x02 != 0
    vendor = String(escapingField: bytes, in: min(8, count)..<min(16, count))
    product = String(escapingField: bytes, in: min(16, count)..<min(32, count))
    revision = String(escapingField: bytes, in: min(32, count)..<min(36, count))
  }

  /// How the logical unit is shown.
  package var presence: LogicalUnitPresence {
    LogicalUnitPresence(qualifier: peripheralQualifier, deviceType: peripheralDeviceType)
  }
}
