package import SCSI
package import Wire

/// Task Management Function Request.
///
/// Source: RFC 7143, 11.5.
package struct TaskManagementRequest: BitwiseCopyable, Sendable {
  /// What is asked for (byte 1, bits 0-6).
  package enum Function: UInt8, Sendable {
    case abortTask = 1
    case abortTaskSet = 2
    case clearACA = 3
    case clearTaskSet = 4
    case logicalUnitReset = 5
    case targetWarmReset = 6
    case targetColdReset = 7
    case taskReassign = 8
    // RFC 7144, 4.2: where iSCSIProtocolLevel 2 was negotiated.
    case queryTask = 9
    case queryTaskSet = 10
    case nexusReset = 11
    case queryAsynchronousEvent = 12

    /// What the standards call it.
    package var name: String {
      switch self {
      case .abortTask: "ABORT TASK"
      case .abortTaskSet: "ABORT TASK SET"
      case .clearACA: "CLEAR ACA"
      case .clearTaskSet: "CLEAR TASK SET"
      case .logicalUnitReset: "LOGICAL UNIT RESET"
      case .targetWarmReset: "TARGET WARM RESET"
      case .targetColdReset: "TARGET COLD RESET"
      case .taskReassign: "TASK REASSIGN"
      case .queryTask: "QUERY TASK"
      case .queryTaskSet: "QUERY TASK SET"
      case .nexusReset: "I_T NEXUS RESET"
      case .queryAsynchronousEvent: "QUERY ASYNCHRONOUS EVENT"
      }
    }
  }

  package var header: BasicHeaderSegment

  package init(_ header: BasicHeaderSegment) { self.header = header }

  /// An immediate request; `referencedTaskTag` and `refCmdSN` name the task, where one is meant.
  package init(
    function: Function,
    logicalUnit: LogicalUnitNumber,
    initiatorTaskTag: InitiatorTaskTag,
    referencedTaskTag: InitiatorTaskTag = .reserved,
    cmdSN: SerialNumber,
    expStatSN: SerialNumber,
    refCmdSN: SerialNumber = SerialNumber(rawValue: 0),
    expDataSN: UInt32 = 0
  ) {
    header = BasicHeaderSegment(
      opcode: .taskManagementRequest, isImmediate: true, flags: 0x80 | function.rawValue)
    header.word1 = logicalUnit.rawValue
    header.word2 =
      UInt64(initiatorTaskTag.rawValue) << 32 | UInt64(referencedTaskTag.rawValue)
    header.cmdSN = cmdSN
    header.expStatSN = expStatSN
    header.word4 = UInt64(refCmdSN.rawValue) << 32 | UInt64(expDataSN)
  }

  package var function: Function? { Function(rawValue: header.flags & 0x7F) }
  package var logicalUnit: LogicalUnitNumber { LogicalUnitNumber(rawValue: header.word1) }
  package var referencedTaskTag: InitiatorTaskTag {
    InitiatorTaskTag(rawValue: UInt32(truncatingIfNeeded: header.word2))
  }
  package var refCmdSN: SerialNumber {
    SerialNumber(rawValue: UInt32(truncatingIfNeeded: header.word4 >> 32))
  }
  /// Of TASK REASSIGN: the number of the first Data-In that has not come (11.5.6).
  package var expDataSN: UInt32 { UInt32(truncatingIfNeeded: header.word4) }
}
