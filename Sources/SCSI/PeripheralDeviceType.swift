/// What kind of device a logical unit is: the low five bits of INQUIRY's first byte.
///
/// Source: SPC-5, 6.7.2, table 150 (peripheral device type).
package struct PeripheralDeviceType: RawRepresentable, BitwiseCopyable, Hashable, Sendable {
  package var rawValue: UInt8

  @inlinable
  package init(rawValue: UInt8) {
    self.rawValue = rawValue
  }

  /// Direct access block device: a disk.
  @inlinable package static var disk: PeripheralDeviceType { PeripheralDeviceType(rawValue: 0x00) }

  /// CD/DVD device, which reads blocks as a disk does.
  @inlinable package static var opticalDisc: PeripheralDeviceType {
    PeripheralDeviceType(rawValue: 0x05)
  }

  /// Unknown, or no device type.
  @inlinable package static var unknown: PeripheralDeviceType {
    PeripheralDeviceType(rawValue: 0x1F)
  }
}

extension PeripheralDeviceType: CustomStringConvertible {
  package var description: String {
    switch rawValue {
    case 0x00: "disk"
    case 0x01: "tape"
    case 0x03: "processor"
    case 0x05: "cd/dvd"
    case 0x07: "optical memory"
    case 0x08: "medium changer"
    case 0x0C: "storage array controller"
    case 0x0D: "enclosure"
    case 0x0E: "simplified disk"
    case 0x11: "object storage"
    case 0x14: "zoned disk"
    case 0x1E: "well known logical unit"
    case 0x1F: "no device"
    default: "type \(rawValue.hexadecimal)h"
    }
  }
}
