import ISCSI
package import SCSI

/// One SCSI command of the control plane (INQUIRY, READ CAPACITY ...), sent through the reactor.
///
/// Reads at most `dataInCapacity` bytes; sends none. No retry is made for it: every status comes
/// back, and a lost session ends it.
package struct ControlTask: Sendable {
  /// The largest answer there is room for.
  package static let dataInLimit = 256 * 1024

  package var session: SessionHandle
  package var lun: LogicalUnitNumber
  package var cdb: CommandDescriptorBlock
  /// The CDB's bytes behind the sixteenth, for a CDB of more (RFC 7143, 11.2.2.3).
  package var extendedCDB: [UInt8]
  package var dataInCapacity: Int
  package var timeoutMilliseconds: UInt64

  package init(
    session: SessionHandle, lun: LogicalUnitNumber, cdb: CommandDescriptorBlock,
    extendedCDB: [UInt8] = [], dataInCapacity: Int, timeoutMilliseconds: UInt64 = 15_000
  ) {
    precondition(dataInCapacity >= 0 && dataInCapacity <= Self.dataInLimit)
    precondition(extendedCDB.count <= AdditionalHeaderSegment.extendedCDBLimit)
    self.extendedCDB = extendedCDB
    self.session = session
    self.lun = lun
    self.cdb = cdb
    self.dataInCapacity = dataInCapacity
    self.timeoutMilliseconds = timeoutMilliseconds
  }

  /// How it ended at the target.
  package struct Result: Equatable, Sendable {
    package var status: SCSIStatus
    /// What was read, without what the residual says is not there.
    package var data: [UInt8]
    /// Sense data as sent, empty when none came.
    package var sense: [UInt8]

    package init(status: SCSIStatus, data: [UInt8], sense: [UInt8]) {
      self.status = status
      self.data = data
      self.sense = sense
    }
  }

  /// Why there is no status.
  package enum Failure: Error, Equatable, Sendable {
    /// The handle names no session that is logged in.
    case notConnected
    case sessionLost
    case timedOut
    /// A task management function ended it.
    case aborted
    /// More control tasks at once than the reactor has room for.
    case busy
  }
}
