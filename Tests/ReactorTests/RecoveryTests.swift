import Glibc
import ISCSI
import SCSI
import SystemPackage
import Testing
import Wire

@testable import Reactor

@Suite("A lost session", .bothChannels, .timeLimit(.minutes(5)))
struct RecoveryTests {
  @Test("E01, E03: is resumed with the same commands, in the order they were sent first")
  func resumed() throws {
    let harness = try ReactorHarness()
    let payload = [UInt8].pattern(1024)
    let write = harness.write(offset: 0, payload)
    let overwrite = harness.write(offset: 0, .pattern(1024, from: 77))
    let read = harness.read(offset: 4096, size: 512)
    var before: [ProtocolDataUnit] = []
    for _ in 0..<3 { before.append(try harness.command().unit) }
    try harness.reconnect()
    for (index, unit) in before.enumerated() {
      let again = try harness.command()
      #expect(again.view.header.cmdSN.rawValue == 50 + UInt32(index))
      #expect(again.view.header.initiatorTaskTag != unit.header.initiatorTaskTag)
      #expect(again.unit.header.word4 == unit.header.word4)
      #expect(again.unit.header.word5 == unit.header.word5)
      #expect(again.unit.data == unit.data)
      let task = again.view.header.initiatorTaskTag
      if index == 2 {
        harness.sendDataIn(task, .pattern(512))
      } else {
        harness.sendResponse(task)
      }
    }
    #expect(harness.reply() == .init(unique: write, error: 0, payload: .accepted(1024)))
    #expect(harness.reply() == .init(unique: overwrite, error: 0, payload: .accepted(1024)))
    #expect(harness.reply() == .init(unique: read, error: 0, payload: .pattern(512)))
  }

  /// F33: the connection ends at every byte of a Data-In, and of what follows it.
  @Test("H04: is resumed wherever in a PDU it ended", arguments: [1, 47, 48, 49, 560, 20_000])
  func midPDU(cut: Int) throws {
    var parameters = NegotiatedParameters()
    parameters.maxRecvDataSegmentLength = 65_536
    let harness = try ReactorHarness(parameters: parameters)
    let unique = harness.read(offset: 0, size: 32_768)
    let task = try harness.command().view.header.initiatorTaskTag
    let bytes = ProtocolDataUnit(
      header: DataIn(
        initiatorTaskTag: task, isFinal: true, status: (.good, harness.nextStatSN(), .none),
        expCmdSN: harness.window.exp, maxCmdSN: harness.window.max, dataSN: 0, bufferOffset: 0
      ).header, data: .pattern(32_768, from: 5)
    ).encoded()
    harness.send(Array(bytes[..<cut]))
    try harness.closeTarget()
    #expect(harness.reply() == nil)
    try harness.reconnect()
    let again = try harness.command().view.header.initiatorTaskTag
    harness.sendDataIn(again, .pattern(32_768))
    #expect(harness.reply() == .init(unique: unique, error: 0, payload: .pattern(32_768)))
  }

  @Test("in mid-burst is resumed under what the new login negotiated")
  func otherParameters() throws {
    var parameters = NegotiatedParameters()
    parameters.maxXmitDataSegmentLength = 512
    parameters.immediateData = false
    let harness = try ReactorHarness(parameters: parameters)
    let payload = [UInt8].pattern(2048)
    let unique = harness.write(offset: 0, payload)
    let task = try harness.command().view.header.initiatorTaskTag
    harness.sendR2T(task, transferTag: 9, r2tSN: 0, offset: 0, length: 1024)
    #expect(try harness.sent()?.data == Array(payload[..<512]))
    parameters.maxXmitDataSegmentLength = 8192
    parameters.immediateData = true
    parameters.headerDigest = true
    parameters.dataDigest = true
    try harness.reconnect(as: parameters)
    let again = try harness.command()
    #expect(again.unit.data == payload)
    #expect(again.view.header.isFinal)
    harness.sendResponse(again.view.header.initiatorTaskTag)
    #expect(harness.reply() == .init(unique: unique, error: 0, payload: .accepted(2048)))
    #expect(try harness.sent() == nil)
  }

  @Test("fails its tasks with ENOLINK at replacement_timeout, and new ones at once")
  func replacementTimeout() throws {
    let harness = try ReactorHarness()
    let unique = harness.read(offset: 0, size: 512)
    try harness.closeTarget()
    harness.advance(milliseconds: 119_999)
    #expect(harness.reply() == nil)
    #expect(harness.sleep >= 0 && harness.sleep <= 250)
    harness.advance(milliseconds: 1)
    #expect(harness.reply() == .init(unique: unique, error: -ENOLINK, payload: []))
    let late = harness.read(offset: 0, size: 512)
    #expect(harness.reply() == .init(unique: late, error: -ENOLINK, payload: []))
    harness.advance(milliseconds: 250)
    #expect(harness.sleep == -1)
    try harness.reconnect()
    _ = harness.read(offset: 0, size: 512)
    _ = try harness.command()
  }

  /// The kernel asks for a page again whose read ahead has failed: the caller must not wait twice.
  @Test("P3: replacement_timeout counts from the first command a silent target owed an answer")
  func silence() async throws {
    let harness = try ReactorHarness()
    harness.advance(milliseconds: 3_000)
    let first = harness.read(offset: 0, size: 512)
    harness.advance(milliseconds: 2_000)
    harness.advance(milliseconds: 5_000)
    #expect(harness.sessionState == .lost)
    harness.advance(milliseconds: 112_999)
    let second = harness.read(offset: 4096, size: 512)
    #expect(harness.reply() == nil)
    harness.advance(milliseconds: 1)
    #expect(harness.reply() == .init(unique: first, error: -ENOLINK, payload: []))
    #expect(harness.reply() == .init(unique: second, error: -ENOLINK, payload: []))
    let third = harness.read(offset: 0, size: 512)
    #expect(harness.reply() == .init(unique: third, error: -ENOLINK, payload: []))
    #expect(
      await harness.events() == [
        .sessionLost(ReactorHarness.session, .pingTimedOut, silentMilliseconds: 7_000)
      ])
  }

  @Test("P3: a replacement_timeout longer than the machine has run makes no loss older than it is")
  func longReplacement() async throws {
    let limit: UInt64 = 1_000_000_000_000
    let harness = try ReactorHarness(timeouts: SessionTimeouts(replacementMilliseconds: limit))
    try harness.closeTarget()
    #expect(await harness.events() == [.sessionLost(ReactorHarness.session, .connectionClosed)])
  }

  @Test("with replacement_timeout 0 fails its tasks at once")
  func noReplacement() throws {
    let harness = try ReactorHarness(timeouts: SessionTimeouts(replacementMilliseconds: 0))
    let unique = harness.read(offset: 0, size: 512)
    try harness.closeTarget()
    #expect(harness.reply() == .init(unique: unique, error: -ENOLINK, payload: []))
  }

  @Test("replacement_timeout set on a session counts at once, for one that is lost too")
  func replacementSet() throws {
    let harness = try ReactorHarness(timeouts: SessionTimeouts(replacementMilliseconds: nil))
    let unique = harness.read(offset: 0, size: 512)
    try harness.closeTarget()
    harness.advance(milliseconds: 10_000)
    harness.port.setTimeouts(
      ReactorHarness.session, SessionTimeouts(replacementMilliseconds: 30_000))
    harness.turn()
    harness.advance(milliseconds: 19_999)
    #expect(harness.reply() == nil)
    harness.advance(milliseconds: 1)
    #expect(harness.reply() == .init(unique: unique, error: -ENOLINK, payload: []))
  }

  @Test("without replacement_timeout keeps its tasks for ever, asleep")
  func forEver() throws {
    let harness = try ReactorHarness(timeouts: SessionTimeouts(replacementMilliseconds: nil))
    let unique = harness.read(offset: 0, size: 512)
    try harness.closeTarget()
    harness.advance(milliseconds: 86_400_000)
    #expect(harness.reply() == nil)
    try harness.reconnect()
    // The command has its time, as any other, when the path is back.
    let task = try harness.command().view.header.initiatorTaskTag
    harness.advance(milliseconds: 10_000)
    #expect(harness.reply() == nil)
    harness.sendDataIn(task, .pattern(512))
    #expect(harness.reply() == .init(unique: unique, error: 0, payload: .pattern(512)))
  }

  @Test("P3: a command whose every try is lost for replacement_timeout gets ENOLINK")
  func flapping() throws {
    let harness = try ReactorHarness()
    let unique = harness.read(offset: 0, size: 512)
    for _ in 0..<13 {
      try harness.closeTarget()
      harness.advance(milliseconds: 10_000)
      try harness.reconnect()
    }
    #expect(harness.reply() == .init(unique: unique, error: -ENOLINK, payload: []))
  }

  @Test("F14.1: Async Message 1 is answered with a Logout; what comes meanwhile is sent after it")
  func logoutRequested() async throws {
    let harness = try ReactorHarness()
    let first = harness.read(offset: 0, size: 512)
    _ = try harness.command()
    harness.send(
      AsyncMessage(
        event: .logoutRequested, parameters: (0, 0, 5), statSN: harness.nextStatSN(),
        expCmdSN: harness.window.exp, maxCmdSN: harness.window.max
      ).header)
    let logout = try #require(try harness.sent())
    #expect(logout.header.opcode == .logoutRequest)
    #expect(logout.header.isImmediate)
    #expect(logout.header.flags == 0x80)
    #expect(logout.header.cmdSN.rawValue == 51)
    #expect(logout.header.expStatSN.rawValue == 101)
    let second = harness.read(offset: 512, size: 512)
    #expect(harness.reply() == nil)
    #expect(try harness.sent() == nil)
    harness.send(
      LogoutResponse(
        response: .closed, initiatorTaskTag: logout.header.initiatorTaskTag,
        statSN: harness.nextStatSN(), expCmdSN: harness.window.exp,
        maxCmdSN: harness.window.max, time2Wait: 3
      ).header)
    try harness.reconnect()
    for unique in [first, second] {
      harness.sendDataIn(try harness.command().view.header.initiatorTaskTag, .pattern(512))
      #expect(harness.reply() == .init(unique: unique, error: 0, payload: .pattern(512)))
    }
    #expect(
      await harness.events() == [
        .sessionLost(ReactorHarness.session, .requestedByTarget(time2WaitSeconds: 3))
      ])
  }

  @Test("F20.2, F20.3: Async Messages 2 and 3 end it with their Time2Wait", arguments: [2, 3])
  func dropped(event: UInt8) async throws {
    let harness = try ReactorHarness()
    harness.send(
      AsyncMessage(
        event: try #require(AsyncMessage.Event(rawValue: event)), parameters: (0, 7, 20),
        statSN: harness.nextStatSN(), expCmdSN: harness.window.exp,
        maxCmdSN: harness.window.max
      ).header)
    #expect(
      await harness.events() == [
        .sessionLost(ReactorHarness.session, .requestedByTarget(time2WaitSeconds: 7))
      ])
  }

  @Test("another tenant of its place gets no command of the old one's LUNs")
  func otherTenant() async throws {
    let harness = try ReactorHarness()
    try await harness.told(
      { .close(ReactorHarness.session, .socketNotConnected, $0) }, meanwhile: {})
    try harness.reconnect(SessionHandle(index: 5, generation: 3))
    let unique = harness.write(offset: 0, .pattern(512))
    #expect(try harness.sent() == nil)
    #expect(harness.reply() == .init(unique: unique, error: -ENOTCONN, payload: []))
  }

  @Test("whose target never ends a Logout it asked for is given up at logout_timeout")
  func silentLogout() async throws {
    let harness = try ReactorHarness()
    harness.send(
      AsyncMessage(
        event: .logoutRequested, statSN: harness.nextStatSN(), expCmdSN: harness.window.exp,
        maxCmdSN: harness.window.max
      ).header)
    harness.advance(milliseconds: 15_000)
    #expect(
      await harness.events() == [
        .sessionLost(ReactorHarness.session, .requestedByTarget(time2WaitSeconds: 0))
      ])
  }

  @Test("starts with the bytes that came behind its login")
  func earlyBytes() throws {
    let harness = try ReactorHarness()
    try harness.closeTarget()
    let ping = ProtocolDataUnit(
      header: NOPIn(
        targetTransferTag: TargetTransferTag(rawValue: 5), statSN: SerialNumber(rawValue: 100),
        expCmdSN: SerialNumber(rawValue: 50), maxCmdSN: SerialNumber(rawValue: 60)
      ).header
    ).encoded()
    try harness.reconnect(earlyBytes: ping)
    let answer = try #require(try harness.sent())
    #expect(answer.header.opcode == .nopOut)
    #expect(answer.header.targetTransferTag.rawValue == 5)
  }
}
