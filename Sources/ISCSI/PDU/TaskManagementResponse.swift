package import Wire

/// Task Management Function Response.
///
/// Source: RFC 7143, 11.6.
package struct TaskManagementResponse: BitwiseCopyable, Sendable {
  /// How the function ended (byte 2).
  package enum Response: UInt8, Sendable {
    case functionComplete = 0
    case taskDoesNotExist = 1
    case logicalUnitDoesNotExist = 2
    case taskStillAllegiant = 3
    case taskAllegianceReassignmentNotSupported = 4
    case functionNotSupported = 5
    case functionAuthorizationFailed = 6
    /// What was asked for is there (RFC 7144, 4.3).
    case functionSucceeded = 7
    case functionRejected = 255
  }

  package var header: BasicHeaderSegment

  package init(_ header: BasicHeaderSegment) { self.header = header }

  package init(
    response: Response,
    initiatorTaskTag: InitiatorTaskTag,
    statSN: SerialNumber,
    expCmdSN: SerialNumber,
    maxCmdSN: SerialNumber
  ) {
    header = BasicHeaderSegment(opcode: .taskManagementResponse, flags: 0x80)
    header.byte2 = response.rawValue
    header.initiatorTaskTag = initiatorTaskTag
    header.statSN = statSN
    header.expCmdSN = expCmdSN
    header.maxCmdSN = maxCmdSN
  }

  package var response: Response? { Response(rawValue: header.byte2) }
}
