import ISCSI
import SCSI
import SystemPackage
import Testing
import Wire

@testable import Reactor

/// What a target does not let go on: RFC 7143, 7.2.2, 11.6.1 and 11.15.
@Suite("A recovery that is refused", .bothChannels, .timeLimit(.minutes(5)))
struct RefusedReassignmentTests {
  /// A read is in flight on a connection that is lost, and another was asked to take it.
  private func asked(
    _ body: (ReactorHarness, FurtherConnection, UInt64, TaskManagementRequest) throws -> Void
  ) throws {
    let harness = try ReactorHarness.reassigning()
    let other = try FurtherConnection(harness)
    let unique = harness.read(offset: 0, size: 512)
    _ = try harness.command()
    try harness.closeTarget()
    other.answerLogout(try other.recoveryLogout(of: 0), expCmdSN: 51)
    try body(harness, other, unique, try other.reassignment())
  }

  /// The session has been lost, and its read is sent anew when it is back.
  private func expectReopening(_ harness: ReactorHarness, _ unique: UInt64) throws {
    #expect(harness.sessionState == .lost)
    try harness.reconnect()
    let command = try harness.command().view
    #expect(command.header.cmdSN.rawValue == 50)
    harness.sendDataIn(command.header.initiatorTaskTag, .pattern(512))
    #expect(harness.reply() == .init(unique: unique, error: 0, payload: .pattern(512)))
    #expect(harness.busySlots == 0)
  }

  @Test("E14 no such task: a command of its own takes its place")
  func noTask() throws {
    try asked { harness, other, unique, request in
      other.answer(request, .taskDoesNotExist, expCmdSN: 51)
      let command = try other.command()
      #expect(command.header.cmdSN.rawValue == 51)
      #expect(command.header.initiatorTaskTag != request.referencedTaskTag)
      other.sendDataIn(command.header.initiatorTaskTag, .pattern(512))
      #expect(harness.reply() == .init(unique: unique, error: 0, payload: .pattern(512)))
    }
  }

  @Test("E14 no such task, of one whose data have come there before: the session is opened anew")
  func contradicted() throws {
    try asked { harness, other, unique, request in
      let data = harness.dataIn(request.referencedTaskTag, 0, .pattern(256), offset: 0)
      other.send(data.header, data: data.data)
      #expect(harness.sessionState == .up && harness.taskCount(9) == 1)
      other.answer(request, .taskDoesNotExist, expCmdSN: 51)
      try expectReopening(harness, unique)
      #expect(other.isClosed)
    }
  }

  @Test("E14 still allegiant: the connection is logged out again, and then the session is lost")
  func stillAllegiant() throws {
    try asked { harness, other, unique, request in
      other.answer(request, .taskStillAllegiant, expCmdSN: 51)
      other.answerLogout(
        try other.recoveryLogout(of: 0), .connectionIDNotFound, expCmdSN: 51)
      let again = try other.reassignment()
      #expect(again.referencedTaskTag == request.referencedTaskTag)
      #expect(harness.sessionState == .up)
      other.answer(again, .taskStillAllegiant, expCmdSN: 51)
      try expectReopening(harness, unique)
    }
  }

  @Test(
    "E14, E15 not supported, or rejected: the session is opened anew",
    arguments: [2, 4, 5, 6, 42, 255] as [UInt8])
  func refused(code: UInt8) throws {
    try asked { harness, other, unique, request in
      var header = TaskManagementResponse(
        response: .functionComplete, initiatorTaskTag: request.header.initiatorTaskTag,
        statSN: other.nextStatSN(), expCmdSN: ReactorHarness.serial(51),
        maxCmdSN: harness.window.max
      ).header
      header.byte2 = code
      other.send(header)
      try expectReopening(harness, unique)
    }
  }

  @Test("E15 a TASK REASSIGN answered by a Reject: the session is opened anew")
  func rejected() throws {
    try asked { harness, other, unique, request in
      other.send(
        Reject(
          reason: .commandNotSupported, statSN: other.nextStatSN(),
          expCmdSN: ReactorHarness.serial(51), maxCmdSN: harness.window.max
        ).header, data: ProtocolDataUnit(header: request.header).encoded())
      try expectReopening(harness, unique)
    }
  }

  @Test("E13 a TASK REASSIGN, or a Logout, that is not answered costs 5 s and the session")
  func unanswered() throws {
    try asked { harness, _, unique, _ in
      harness.advance(milliseconds: 4900)
      #expect(harness.sessionState == .up)
      harness.advance(milliseconds: 200)
      try expectReopening(harness, unique)
    }
    let harness = try ReactorHarness.reassigning()
    let other = try FurtherConnection(harness)
    let unique = harness.read(offset: 0, size: 512)
    _ = try harness.command()
    try harness.closeTarget()
    _ = try other.recoveryLogout(of: 0)
    harness.advance(milliseconds: 4900)
    #expect(harness.sessionState == .up)
    harness.advance(milliseconds: 200)
    try expectReopening(harness, unique)
  }

  @Test(
    "E13 a Logout for recovery that is refused costs the session",
    arguments: [1, 2, 3] as [UInt8])
  func logoutRefused(number: UInt8) throws {
    let code = try #require(LogoutResponse.Response(rawValue: number))
    let harness = try ReactorHarness.reassigning()
    let other = try FurtherConnection(harness)
    let unique = harness.read(offset: 0, size: 512)
    _ = try harness.command()
    try harness.closeTarget()
    other.answerLogout(try other.recoveryLogout(of: 0), code, expCmdSN: 51)
    try expectReopening(harness, unique)
  }

  @Test("E13 tasks that a target has discarded (Time2Retain 0) are sent anew")
  func discarded() throws {
    let harness = try ReactorHarness.reassigning()
    let other = try FurtherConnection(harness)
    let unique = harness.write(offset: 0, .pattern(512))
    _ = try harness.command()
    try harness.closeTarget()
    other.answerLogout(
      try other.recoveryLogout(of: 0), expCmdSN: 51, time2Wait: 9, time2Retain: 0)
    let command = try other.command()
    #expect(command.header.cmdSN.rawValue == 51)
    other.sendResponse(command.header.initiatorTaskTag)
    #expect(harness.reply() == .init(unique: unique, error: 0, payload: .accepted(512)))
  }

  @Test("E13 a target that wants a longer wait than 30 s is not waited for")
  func longWait() throws {
    let harness = try ReactorHarness.reassigning()
    let other = try FurtherConnection(harness)
    let unique = harness.read(offset: 0, size: 512)
    _ = try harness.command()
    try harness.closeTarget()
    other.answerLogout(try other.recoveryLogout(of: 0), expCmdSN: 51, time2Wait: 31)
    try expectReopening(harness, unique)
  }

  @Test("E13 a violation, or below level 2 anything, costs the session at once")
  func notOfConnection() throws {
    for level in 0...2 as ClosedRange<UInt32> {
      let harness = try ReactorHarness.reassigning { $0.errorRecoveryLevel = level }
      let other = try FurtherConnection(harness)
      let unique = harness.read(offset: 0, size: 512)
      _ = try harness.command()
      if level < 2 {
        try harness.closeTarget()
      } else {
        harness.sendResponse(InitiatorTaskTag(rawValue: 77))
      }
      try expectReopening(harness, unique)
      #expect(other.isClosed)
    }
  }
}
