/// Which of the commands that share an operation code: five bits of the CDB's second byte.
///
/// Source: SPC-5, 4.2.5.2 (service action).
package struct ServiceAction: RawRepresentable, BitwiseCopyable, Hashable, Sendable {
  package var rawValue: UInt8

  @inlinable
  package init(rawValue: UInt8) {
    self.rawValue = rawValue
  }

  @inlinable package static var reportTargetPortGroups: ServiceAction {
    ServiceAction(rawValue: 0x0A)
  }
  @inlinable package static var readCapacity16: ServiceAction { ServiceAction(rawValue: 0x10) }
  @inlinable package static var getLBAStatus: ServiceAction { ServiceAction(rawValue: 0x12) }
}
