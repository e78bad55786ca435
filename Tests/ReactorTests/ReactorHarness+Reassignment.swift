import Glibc
import ISCSI
import LinuxIO
import SCSI
import Testing
import Wire

@testable import Reactor

/// The target of a session that agreed on ErrorRecoveryLevel 2.
extension ReactorHarness {
  static func reassigning(
    timeouts: SessionTimeouts = SessionTimeouts(),
    _ change: (inout NegotiatedParameters) -> Void = { _ in }
  ) throws -> ReactorHarness {
    try recovering(timeouts: timeouts) {
      $0.errorRecoveryLevel = 2
      $0.defaultTime2Wait = 0
      $0.defaultTime2Retain = 20
      change(&$0)
    }
  }

  /// Takes another socket for the target's end, whose StatSN starts again.
  func adopt(_ theirs: CInt) {
    close(target)
    target = theirs
    statSN = 100
    assembler = PDUAssembler(maximumDataSegmentLength: 1 << 24 - 1)
    assembler.headerDigest = parameters.headerDigest
    assembler.dataDigest = parameters.dataDigest
  }

  /// Hands a lost session the connection that replaces its only one.
  func rejoin(connectionID: UInt16 = 0, expCmdSN: UInt32, isHeld: Bool = false) throws {
    let connection = try Self.pair(SOCK_STREAM)
    adopt(connection.theirs)
    var handover = ConnectionHandover(
      socket: OwnedDescriptor(owning: connection.ours), connectionID: connectionID,
      parameters: parameters, cmdSN: Self.serial(99), expStatSN: Self.serial(100),
      expCmdSN: Self.serial(expCmdSN), maxCmdSN: Self.serial(1000), earlyBytes: [],
      timeouts: timeouts)
    handover.isHeld = isHeld
    port.rejoin(home, handover)
    turn()
  }

  /// A TASK REASSIGN the reactor sent on the harness's own connection.
  func reassignment() throws -> TaskManagementRequest {
    try Self.reassignment(try sent())
  }

  static func reassignment(_ unit: ProtocolDataUnit?) throws -> TaskManagementRequest {
    let unit = try #require(unit)
    #expect(unit.header.opcode == .taskManagementRequest && unit.data.isEmpty)
    // Immediate, and function 8 as open-iscsi's ISCSI_TM_FUNC_TASK_REASSIGN.
    #expect(unit.header.isImmediate && unit.header.flags == 0x80 | 8)
    return TaskManagementRequest(unit.header)
  }

  func answer(
    _ request: TaskManagementRequest, _ code: TaskManagementResponse.Response, expCmdSN: UInt32
  ) {
    send(
      TaskManagementResponse(
        response: code, initiatorTaskTag: request.header.initiatorTaskTag, statSN: nextStatSN(),
        expCmdSN: Self.serial(expCmdSN), maxCmdSN: window.max
      ).header)
  }
}

extension FurtherConnection {
  /// The Logout Request for recovery the reactor sent here, of the connection with this CID.
  func recoveryLogout(of connectionID: UInt16) throws -> InitiatorTaskTag {
    let unit = try #require(try sent())
    #expect(unit.header.opcode == .logoutRequest && unit.header.isImmediate)
    // Reason 2: remove the connection for recovery.
    #expect(unit.header.flags == 0x80 | 2)
    #expect(LogoutRequest(unit.header).connectionID == connectionID)
    return unit.header.initiatorTaskTag
  }

  func answerLogout(
    _ tag: InitiatorTaskTag, _ code: LogoutResponse.Response = .closed, expCmdSN: UInt32,
    time2Wait: UInt16 = 0, time2Retain: UInt16 = 20
  ) {
    send(
      LogoutResponse(
        response: code, initiatorTaskTag: tag, statSN: nextStatSN(),
        expCmdSN: SerialNumber(rawValue: expCmdSN), maxCmdSN: harness.window.max,
        time2Wait: time2Wait, time2Retain: time2Retain
      ).header)
  }

  func reassignment() throws -> TaskManagementRequest {
    try ReactorHarness.reassignment(try sent())
  }

  func answer(
    _ request: TaskManagementRequest, _ code: TaskManagementResponse.Response, expCmdSN: UInt32
  ) {
    send(
      TaskManagementResponse(
        response: code, initiatorTaskTag: request.header.initiatorTaskTag, statSN: nextStatSN(),
        expCmdSN: SerialNumber(rawValue: expCmdSN), maxCmdSN: harness.window.max
      ).header)
  }
}
