/// The status a device server returns when a task ends.
///
/// Codes we do not name (the obsolete INTERMEDIATE among them) are carried as they came.
/// Source: SAM-5, 5.3.1 (status codes).
package struct SCSIStatus: RawRepresentable, BitwiseCopyable, Hashable, Sendable {
  package var rawValue: UInt8

  @inlinable
  package init(rawValue: UInt8) {
    self.rawValue = rawValue
  }

  @inlinable package static var good: SCSIStatus { SCSIStatus(rawValue: 0x00) }
  @inlinable package static var checkCondition: SCSIStatus { SCSIStatus(rawValue: 0x02) }
  @inlinable package static var conditionMet: SCSIStatus { SCSIStatus(rawValue: 0x04) }
  @inlinable package static var busy: SCSIStatus { SCSIStatus(rawValue: 0x08) }
  @inlinable package static var reservationConflict: SCSIStatus { SCSIStatus(rawValue: 0x18) }
  @inlinable package static var taskSetFull: SCSIStatus { SCSIStatus(rawValue: 0x28) }
  @inlinable package static var acaActive: SCSIStatus { SCSIStatus(rawValue: 0x30) }
  @inlinable package static var taskAborted: SCSIStatus { SCSIStatus(rawValue: 0x40) }
}

extension SCSIStatus: CustomStringConvertible {
  /// The standard's name, or the code in hexadecimal.
  package var description: String {
    switch self {
    case .good: "GOOD"
    case .checkCondition: "CHECK CONDITION"
    case .conditionMet: "CONDITION MET"
    case .busy: "BUSY"
    case .reservationConflict: "RESERVATION CONFLICT"
    case .taskSetFull: "TASK SET FULL"
    case .acaActive: "ACA ACTIVE"
    case .taskAborted: "TASK ABORTED"
    default: "status \(rawValue.hexadecimal)h"
    }
  }
}
