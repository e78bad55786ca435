package import ISCSI
package import Wire

/// A SCSI command as it arrived: what tests ask the log about.
package struct LoggedCommand: Equatable, Sendable {
  /// The target's name.
  package let target: String
  package let initiatorName: String
  /// The LUN field's eight bytes as sent.
  package let logicalUnitNumber: UInt64
  package let cdb: CommandBytes
  package let initiatorTaskTag: InitiatorTaskTag
  package let cmdSN: SerialNumber
  package let isImmediate: Bool
  package let expectedDataTransferLength: UInt32

  package var operationCode: UInt8 { cdb.operationCode }
}
