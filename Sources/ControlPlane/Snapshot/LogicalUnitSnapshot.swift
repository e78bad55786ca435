package import LogicalUnit
package import Reactor
package import SCSI

/// A LUN as `lun<N>` and `lun<N>.info/` show it.
package struct LogicalUnitSnapshot: Equatable, Sendable {
  package var lun: LogicalUnitNumber
  /// Set where there is a data file.
  package var handle: LogicalUnitHandle?
  package var description: LogicalUnitDescription
  /// running, offline, blocked or transport-offline, as sysfs says.
  package var state: String
  /// How many opens the data file has.
  package var openCount: Int
  /// Pages as read: (page code, bytes), for vpd/pgXX.
  package var vitalProductDataPages: [VitalProductDataPageBytes]
  /// Addresses by-path names it under: "ip-<ip>:<port>-iscsi-<iqn>-lun-<n>" is made from them.
  package var portals: [PortalSnapshot]
  /// How long its commands may take before the target is asked to end them; nil without a file.
  package var timeoutSeconds: UInt64?
  /// Why the data file is missing or does not open; empty when nothing is wrong.
  package var lastError = ""
  /// Why a call on the data file got an error the last time, since the unit has had the file.
  package var lastFailure: CommandFailure?
}

/// One VPD page's bytes.
package struct VitalProductDataPageBytes: Equatable, Sendable {
  package var code: UInt8
  package var bytes: [UInt8]
}
