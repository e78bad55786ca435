import ISCSI
import SCSI
import SystemPackage
import Testing
import Wire

@testable import Reactor

/// A session's only connection is lost at ErrorRecoveryLevel 2: RFC 7143, 6.3.4 and 7.2.2.
@Suite("A session's only connection is replaced", .bothChannels, .timeLimit(.minutes(5)))
struct ReplacedConnectionTests {
  @Test("E13, E16, M13, F7.1 a login with its CID logs it out, and its tasks go on")
  func replaced() async throws {
    let harness = try ReactorHarness.reassigning()
    let reading = harness.read(offset: 0, size: 1024)
    let read = try harness.command().view.header
    let writing = harness.write(offset: 4096, .pattern(512))
    let write = try harness.command()
    harness.send(harness.dataIn(read.initiatorTaskTag, 0, .pattern(512), offset: 0))
    try harness.closeTarget()
    #expect(harness.sessionState == .lost && harness.reply() == nil)
    // New commands wait, until it is known who is there.
    let beside = harness.read(offset: 8192, size: 512)
    try harness.rejoin(expCmdSN: 51, isHeld: true)
    #expect(harness.sessionState == .up)
    let request = try harness.reassignment()
    #expect(request.referencedTaskTag == read.initiatorTaskTag && request.expDataSN == 1)
    let again = try harness.command()
    #expect(again.view.header.initiatorTaskTag == write.view.header.initiatorTaskTag)
    #expect(again.view.header.cmdSN.rawValue == 51 && again.unit.data == .pattern(512))
    #expect(try harness.sent() == nil)
    harness.answer(request, .functionComplete, expCmdSN: 52)
    let rest = [UInt8](repeating: 7, count: 512)
    harness.send(
      harness.dataIn(
        read.initiatorTaskTag, 1, rest, offset: 512, statSN: harness.nextStatSN().rawValue))
    #expect(
      harness.reply() == .init(unique: reading, error: 0, payload: .pattern(512) + rest))
    harness.sendResponse(again.view.header.initiatorTaskTag)
    #expect(harness.reply() == .init(unique: writing, error: 0, payload: .accepted(512)))

    harness.port.resume(ReactorHarness.session)
    let command = try harness.command().view.header
    #expect(command.cmdSN.rawValue == 52)
    harness.sendDataIn(command.initiatorTaskTag, .pattern(512))
    #expect(harness.reply() == .init(unique: beside, error: 0, payload: .pattern(512)))
    #expect(harness.busySlots == 0)
    #expect(
      await harness.events() == [.lastConnectionLost(ReactorHarness.session, .connectionClosed)])
  }

  @Test("E01, E02 a new session instead ends its tasks: they are sent anew, in their order")
  func reinstated() throws {
    let harness = try ReactorHarness.reassigning()
    let uniques = (0..<3).map { harness.write(offset: $0 * 512, .pattern(512, from: Int($0))) }
    for _ in 0..<3 { _ = try harness.command() }
    try harness.closeTarget()
    try harness.reconnect()
    for (index, unique) in uniques.enumerated() {
      let again = try harness.command()
      #expect(again.unit.data == .pattern(512, from: index))
      #expect(again.view.header.cmdSN.rawValue == 50 + UInt32(index))
      harness.sendResponse(again.view.header.initiatorTaskTag)
      #expect(harness.reply() == .init(unique: unique, error: 0, payload: .accepted(512)))
    }
  }

  @Test("E14 still allegiant behind a login with the same CID: the session is lost")
  func stillAllegiant() async throws {
    let harness = try ReactorHarness.reassigning()
    _ = harness.read(offset: 0, size: 512)
    _ = try harness.command()
    try harness.closeTarget()
    try harness.rejoin(expCmdSN: 51)
    harness.answer(try harness.reassignment(), .taskStillAllegiant, expCmdSN: 51)
    #expect(harness.sessionState == .lost)
    let events = await harness.events()
    #expect(events.last == .sessionLost(ReactorHarness.session, .notReassigned))
  }

  @Test("lost again amid the recovery: the session is lost, whoever else is there by then")
  func lostAgain() throws {
    let harness = try ReactorHarness.reassigning()
    let unique = harness.read(offset: 0, size: 512)
    _ = try harness.command()
    try harness.closeTarget()
    try harness.rejoin(expCmdSN: 51)
    _ = try harness.reassignment()
    let other = try FurtherConnection(harness)
    try harness.closeTarget()
    #expect(harness.sessionState == .lost && other.isClosed)
    try harness.reconnect()
    let command = try harness.command().view.header
    harness.sendDataIn(command.initiatorTaskTag, .pattern(512))
    #expect(harness.reply() == .init(unique: unique, error: 0, payload: .pattern(512)))
    #expect(harness.busySlots == 0)
  }

  @Test("a logout while tasks are being recovered is answered, and ends them")
  func loggedOut() async throws {
    let harness = try ReactorHarness.reassigning()
    let unique = harness.read(offset: 0, size: 512)
    _ = try harness.command()
    try harness.closeTarget()
    try harness.rejoin(expCmdSN: 51)
    _ = try harness.reassignment()
    try await harness.told {
      .logout(ReactorHarness.session, $0)
    } meanwhile: {
      let request = try harness.sent()
      #expect(request?.header.opcode == .logoutRequest)
      harness.advance(milliseconds: 6000)
      harness.send(
        LogoutResponse(
          response: .closed, initiatorTaskTag: Reactor.Tag.logout, statSN: harness.nextStatSN(),
          expCmdSN: ReactorHarness.serial(51), maxCmdSN: harness.window.max
        ).header)
    }
    #expect(
      harness.reply()
        == .init(unique: unique, error: -Errno.socketNotConnected.rawValue, payload: []))
    #expect(harness.busySlots == 0)
  }

  @Test("replacement_timeout holds: callers are told, and a connection that comes later is refused")
  func tooLate() async throws {
    let harness = try ReactorHarness.reassigning(
      timeouts: SessionTimeouts(replacementMilliseconds: 40_000))
    let unique = harness.read(offset: 0, size: 512)
    _ = try harness.command()
    try harness.closeTarget()
    harness.advance(milliseconds: 39_900)
    #expect(harness.reply() == nil)
    harness.advance(milliseconds: 200)
    #expect(
      harness.reply() == .init(unique: unique, error: -Errno.noLink.rawValue, payload: []))
    #expect(harness.busySlots == 0)
    try harness.rejoin(expCmdSN: 51)
    #expect(harness.sessionState == .lost)
    let events = await harness.events()
    #expect(events.last == .sessionLost(ReactorHarness.session, .notReassigned))
  }

  @Test("P3 a caller that is killed is answered, and its write keeps its range until it is over")
  func interrupted() throws {
    let harness = try ReactorHarness.reassigning()
    let unique = harness.write(offset: 0, .pattern(512))
    let task = try harness.command().view.header.initiatorTaskTag
    try harness.closeTarget()
    harness.advance(milliseconds: 1500)
    harness.interrupt(unique)
    harness.advance(milliseconds: 50)
    #expect(
      harness.reply() == .init(unique: unique, error: -Errno.interrupted.rawValue, payload: []))
    let next = harness.write(offset: 0, .pattern(512, from: 9))
    try harness.rejoin(expCmdSN: 51)
    harness.answer(try harness.reassignment(), .functionComplete, expCmdSN: 51)
    // The old one is at the target still: the new one waits for it.
    #expect(try harness.sent() == nil)
    harness.sendResponse(task)
    let command = try harness.command()
    #expect(command.unit.data == .pattern(512, from: 9))
    harness.sendResponse(command.view.header.initiatorTaskTag)
    #expect(harness.reply() == .init(unique: next, error: 0, payload: .accepted(512)))
    #expect(harness.busySlots == 0)
  }

  @Test("with replacement_timeout 0 nothing waits for a connection")
  func atOnce() throws {
    let harness = try ReactorHarness.reassigning(
      timeouts: SessionTimeouts(replacementMilliseconds: 0))
    let unique = harness.read(offset: 0, size: 512)
    _ = try harness.command()
    try harness.closeTarget()
    harness.advance(milliseconds: 1)
    #expect(
      harness.reply() == .init(unique: unique, error: -Errno.noLink.rawValue, payload: []))
  }

  @Test("F19.5, E13 each task is named by its tag, in the order of their CmdSN")
  func many() throws {
    let harness = try ReactorHarness.reassigning()
    for index in 0..<8 { _ = harness.read(offset: UInt64(index) * 512, size: 512) }
    var tasks: [InitiatorTaskTag] = []
    for _ in 0..<8 { tasks.append(try harness.command().view.header.initiatorTaskTag) }
    try harness.closeTarget()
    try harness.rejoin(expCmdSN: 58)
    var asked: [InitiatorTaskTag] = []
    var requests: [TaskManagementRequest] = []
    while let unit = try harness.sent() {
      requests.append(try ReactorHarness.reassignment(unit))
      asked.append(requests[requests.count - 1].referencedTaskTag)
    }
    #expect(asked == tasks)
    for request in requests { harness.answer(request, .functionComplete, expCmdSN: 58) }
    for task in tasks.reversed() {
      harness.sendDataIn(task, .pattern(512))
      #expect(harness.reply()?.payload == .pattern(512))
    }
    #expect(harness.busySlots == 0)
  }
}
