import ISCSI
import SCSI
import Testing
import Wire

@testable import Reactor

/// One of several connections is lost at ErrorRecoveryLevel 2: RFC 7143, 7.2.2 and 11.14.
@Suite("A connection of several is recovered", .bothChannels, .timeLimit(.minutes(5)))
struct ConnectionRecoveryTests {
  @Test("E13, F7.1, F19.5, M07 a read goes on behind the data it has, after Logout and Time2Wait")
  func read() async throws {
    let harness = try ReactorHarness.reassigning()
    let other = try FurtherConnection(harness)
    let unique = harness.read(offset: 0, size: 2048)
    let command = try harness.command().view
    let task = command.header.initiatorTaskTag
    let data = [UInt8].pattern(2048)
    harness.send(harness.dataIn(task, 0, Array(data[..<1024]), offset: 0))
    // Half a PDU is no PDU: it comes again.
    harness.send(Array(harness.dataIn(task, 1, [9, 9, 9, 9], offset: 1024).encoded()[..<50]))
    try harness.closeTarget()
    #expect(harness.sessionState == .up && harness.inFlightCount(5) == 0)

    let logout = try other.recoveryLogout(of: 0)
    // New commands go where there is a way.
    let beside = harness.read(offset: 8192, size: 512)
    other.sendDataIn(try other.command().header.initiatorTaskTag, .pattern(512, from: 5))
    #expect(harness.reply() == .init(unique: beside, error: 0, payload: .pattern(512, from: 5)))
    other.answerLogout(logout, expCmdSN: 52, time2Wait: 2)
    harness.advance(milliseconds: 1900)
    #expect(try other.sent() == nil)
    harness.advance(milliseconds: 100)
    let request = try other.reassignment()
    #expect(request.referencedTaskTag == task && request.refCmdSN.rawValue == 50)
    #expect(request.logicalUnit == command.logicalUnit && request.expDataSN == 1)
    #expect(request.header.cmdSN.rawValue == 52)
    other.answer(request, .functionComplete, expCmdSN: 52)
    #expect(harness.taskCount(9) == 1 && harness.inFlightCount(5) == 1)
    other.send(
      harness.dataIn(
        task, 1, Array(data[1024...]), offset: 1024, statSN: other.nextStatSN().rawValue
      ).header, data: Array(data[1024...]))
    #expect(harness.reply() == .init(unique: unique, error: 0, payload: data))
    #expect(try other.sent() == nil && harness.busySlots == 0)
    #expect(
      await harness.events() == [
        .connectionLost(ReactorHarness.session, connectionID: 0, .connectionClosed),
        .connectionClosed(ReactorHarness.session, connectionID: 0, time2WaitSeconds: 0),
      ])
  }

  @Test("E13 the status alone is asked for, and data that come twice are taken once")
  func statusAlone() throws {
    let harness = try ReactorHarness.reassigning()
    let other = try FurtherConnection(harness)
    let unique = harness.read(offset: 0, size: 512)
    let task = try harness.command().view.header.initiatorTaskTag
    harness.send(harness.dataIn(task, 0, .pattern(512), offset: 0, isFinal: true))
    try harness.closeTarget()
    other.answerLogout(try other.recoveryLogout(of: 0), expCmdSN: 51)
    let request = try other.reassignment()
    #expect(request.expDataSN == 1)
    other.answer(request, .functionComplete, expCmdSN: 51)
    // This target begins the read anew, and says so with its status in the same PDU.
    let again = harness.dataIn(
      task, 0, .pattern(512), offset: 0, statSN: other.nextStatSN().rawValue)
    other.send(again.header, data: again.data)
    #expect(harness.reply() == .init(unique: unique, error: 0, payload: .pattern(512)))
  }

  @Test("E13 the answer to a TASK REASSIGN is lost: what comes behind it counts all the same")
  func lostAnswer() throws {
    let harness = try ReactorHarness.reassigning()
    let other = try FurtherConnection(harness)
    let unique = harness.read(offset: 0, size: 512)
    let task = try harness.command().view.header.initiatorTaskTag
    try harness.closeTarget()
    other.answerLogout(try other.recoveryLogout(of: 0), expCmdSN: 51)
    let request = try other.reassignment()
    let lost = other.nextStatSN()
    let data = harness.dataIn(
      task, 0, .pattern(512), offset: 0, statSN: other.nextStatSN().rawValue)
    other.send(data.header, data: data.data)
    #expect(harness.reply() == .init(unique: unique, error: 0, payload: .pattern(512)))
    let snack = SNACKRequest(try #require(try other.sent()).header)
    #expect(snack.header.opcode == .snackRequest && snack.kind == .status)
    #expect(snack.begRun == lost.rawValue && snack.runLength == 1)
    other.send(
      TaskManagementResponse(
        response: .functionComplete, initiatorTaskTag: request.header.initiatorTaskTag,
        statSN: lost, expCmdSN: SerialNumber(rawValue: 51), maxCmdSN: harness.window.max
      ).header)
    #expect(harness.busySlots == 0 && harness.sessionState == .up)
    _ = harness.read(offset: 0, size: 512)
    #expect(try other.command().header.expStatSN == lost.advanced(by: 2))
  }

  @Test("E13, E02 a write goes on with R2Ts of the new connection, none before the logout")
  func write() throws {
    let harness = try ReactorHarness.reassigning {
      $0.immediateData = false
      $0.maxXmitDataSegmentLength = 512
    }
    let other = try FurtherConnection(harness)
    let unique = harness.write(offset: 0, .pattern(1024))
    let task = try harness.command().view.header.initiatorTaskTag
    harness.sendR2T(task, transferTag: 7, r2tSN: 0, offset: 0, length: 512)
    #expect(try harness.sent()?.data == .pattern(512))
    try harness.closeTarget()
    let logout = try other.recoveryLogout(of: 0)
    harness.advance(milliseconds: 4000)
    #expect(try other.sent().map(\.header.opcode) != .scsiCommand)
    other.answerLogout(logout, expCmdSN: 51)
    let request = try other.reassignment()
    #expect(request.expDataSN == 0)
    other.answer(request, .functionComplete, expCmdSN: 51)
    other.sendR2T(task, transferTag: 8, offset: 512, length: 512)
    let data = try #require(try other.sent())
    #expect(data.data == .pattern(512, from: 512))
    #expect(DataOut(data.header).bufferOffset == 512 && DataOut(data.header).dataSN == 0)
    other.sendResponse(task)
    #expect(harness.reply() == .init(unique: unique, error: 0, payload: .accepted(1024)))
  }

  @Test("E13 a command that never arrived is sent again as it was, and fills the hole")
  func retried() throws {
    let harness = try ReactorHarness.reassigning()
    let other = try FurtherConnection(harness)
    let uniques = (0..<3).map { harness.write(offset: $0 * 512, .pattern(512, from: Int($0))) }
    let lost = [try harness.command(), try harness.command()]
    let taken = try other.command()
    #expect(taken.header.cmdSN.rawValue == 51)
    try harness.closeTarget()
    // The target has the first of them, and waits for the third.
    other.answerLogout(try other.recoveryLogout(of: 0), expCmdSN: 52)
    let request = try other.reassignment()
    #expect(request.referencedTaskTag == lost[0].view.header.initiatorTaskTag)
    let again = try #require(try other.sent())
    #expect(again.header.cmdSN.rawValue == 52 && again.data == lost[1].unit.data)
    #expect(again.header.initiatorTaskTag == lost[1].view.header.initiatorTaskTag)
    #expect(again.header.word4 == lost[1].unit.header.word4)
    other.answer(request, .functionComplete, expCmdSN: 53)
    let tasks = [lost[0].view.header, taken.header, again.header].map(\.initiatorTaskTag)
    for (task, unique) in zip(tasks, [uniques[0], uniques[1], uniques[2]]) {
      other.sendResponse(task)
      #expect(harness.reply() == .init(unique: unique, error: 0, payload: .accepted(512)))
    }
  }

  @Test("E13 with nothing in flight a connection is only logged out")
  func idle() async throws {
    let harness = try ReactorHarness.reassigning()
    let other = try FurtherConnection(harness)
    try harness.closeTarget()
    other.answerLogout(try other.recoveryLogout(of: 0), expCmdSN: 50)
    #expect(try other.sent() == nil)
    #expect(
      await harness.events().last
        == .connectionClosed(ReactorHarness.session, connectionID: 0, time2WaitSeconds: 0))
  }

  @Test("E13 DefaultTime2Wait passes before the Logout")
  func time2Wait() throws {
    let harness = try ReactorHarness.reassigning { $0.defaultTime2Wait = 2 }
    let other = try FurtherConnection(harness)
    try harness.closeTarget()
    harness.advance(milliseconds: 1900)
    #expect(try other.sent() == nil)
    harness.advance(milliseconds: 100)
    _ = try other.recoveryLogout(of: 0)
  }

  @Test("E13 the Logout, and what was asked for over it, outlive the loss of another connection")
  func carrierLost() throws {
    let harness = try ReactorHarness.reassigning()
    var second: FurtherConnection? = try FurtherConnection(harness)
    let third = try FurtherConnection(harness, connectionID: 2, place: 10)
    let unique = harness.read(offset: 0, size: 512)
    let task = try harness.command().view.header.initiatorTaskTag
    try harness.closeTarget()
    _ = try second?.recoveryLogout(of: 0)
    second = nil
    harness.turn()
    #expect(harness.sessionState == .up)
    let logouts = [try third.sent(), try third.sent()].compactMap { $0?.header }
    #expect(Set(logouts.map { LogoutRequest($0).connectionID }) == [0, 1])
    for logout in logouts { third.answerLogout(logout.initiatorTaskTag, expCmdSN: 51) }
    let request = try third.reassignment()
    third.answer(request, .functionComplete, expCmdSN: 51)
    third.sendDataIn(task, .pattern(512))
    #expect(harness.reply() == .init(unique: unique, error: 0, payload: .pattern(512)))
  }

  @Test("E13 a task whose reassignment was not answered is recovered with that connection")
  func reassignedTwice() throws {
    let harness = try ReactorHarness.reassigning()
    var second: FurtherConnection? = try FurtherConnection(harness)
    let third = try FurtherConnection(harness, connectionID: 2, place: 10)
    let unique = harness.read(offset: 0, size: 512)
    let task = try harness.command().view.header.initiatorTaskTag
    try harness.closeTarget()
    let logout = try second?.recoveryLogout(of: 0)
    second?.answerLogout(try #require(logout), expCmdSN: 51)
    _ = try second?.reassignment()
    second = nil
    harness.turn()
    third.answerLogout(try third.recoveryLogout(of: 1), expCmdSN: 51)
    let request = try third.reassignment()
    #expect(request.referencedTaskTag == task)
    third.answer(request, .functionComplete, expCmdSN: 51)
    third.sendDataIn(task, .pattern(512))
    #expect(harness.reply() == .init(unique: unique, error: 0, payload: .pattern(512)))
  }

  @Test("E13, M12 what was to be reassigned on a connection that is closed in order is on another")
  func carrierCloses() throws {
    let harness = try ReactorHarness.reassigning()
    let second = try FurtherConnection(harness)
    let third = try FurtherConnection(harness, connectionID: 2, place: 10)
    let unique = harness.read(offset: 0, size: 512)
    let task = try harness.command().view.header.initiatorTaskTag
    try harness.closeTarget()
    second.answerLogout(try second.recoveryLogout(of: 0), expCmdSN: 51)
    let request = try second.reassignment()
    second.sendAsync(.logoutRequested, (1, 0, 5))
    #expect(try second.sent()?.header.opcode == .logoutRequest)
    second.sendLogoutResponse(expCmdSN: 51)
    let again = try third.reassignment()
    #expect(again.referencedTaskTag == task && again.header != request.header)
    third.answer(again, .functionComplete, expCmdSN: 51)
    third.sendDataIn(task, .pattern(512))
    #expect(harness.reply() == .init(unique: unique, error: 0, payload: .pattern(512)))
    #expect(second.isClosed && harness.sessionState == .up && harness.busySlots == 0)
  }

  @Test("E13, M12 so is the Logout of a lost connection that went out on one that is closed")
  func logoutCarrierCloses() throws {
    let harness = try ReactorHarness.reassigning()
    var second: FurtherConnection? = try FurtherConnection(harness)
    let third = try FurtherConnection(harness, connectionID: 2, place: 10)
    let uniques = (0..<2).map { harness.read(offset: $0 * 512, size: 512) }
    let first = try harness.command().view.header.initiatorTaskTag
    let task = try #require(try second?.command()).header.initiatorTaskTag
    harness.sendDataIn(first, .pattern(512))
    #expect(harness.reply() == .init(unique: uniques[0], error: 0, payload: .pattern(512)))
    second = nil
    harness.turn()
    let recovery = try #require(try harness.sent())
    #expect(LogoutRequest(recovery.header).connectionID == 1)
    harness.sendAsync(.logoutRequested, parameters: (0, 0, 5))
    harness.sendLogoutResponse(to: try #require(try harness.sent()))
    third.answerLogout(try third.recoveryLogout(of: 1), expCmdSN: 52)
    let request = try third.reassignment()
    #expect(request.referencedTaskTag == task)
    third.answer(request, .functionComplete, expCmdSN: 52)
    third.sendDataIn(task, .pattern(512))
    #expect(harness.reply() == .init(unique: uniques[1], error: 0, payload: .pattern(512)))
    #expect(harness.sessionState == .up && harness.busySlots == 0)
  }
}
