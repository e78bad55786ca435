/// Whether a device is there: the high three bits of INQUIRY's first byte.
///
/// Source: SPC-5, 6.7.2, table 149 (peripheral qualifier).
package struct PeripheralQualifier: RawRepresentable, BitwiseCopyable, Hashable, Sendable {
  package var rawValue: UInt8

  @inlinable
  package init(rawValue: UInt8) {
    self.rawValue = rawValue
  }

  /// A device of this type is accessible through this logical unit.
  @inlinable package static var connected: PeripheralQualifier {
    PeripheralQualifier(rawValue: 0b000)
  }

  /// The logical unit may have a device of this type, but none is accessible now.
  @inlinable package static var notConnected: PeripheralQualifier {
    PeripheralQualifier(rawValue: 0b001)
  }

  /// The device server cannot have a device on this logical unit.
  @inlinable package static var notSupported: PeripheralQualifier {
    PeripheralQualifier(rawValue: 0b011)
  }
}
