import Glibc
import ISCSI
import SCSI
import Testing
import Wire

@testable import Reactor

@Suite("What a target says unasked", .bothChannels, .timeLimit(.minutes(5)))
struct AsyncTests {
  private static let lun = LogicalUnitNumber(number: 1)

  @Test("F14.1, F20.1: Async 1 in mid-write: a Logout, no new command", arguments: [0, 1, 5])
  func logoutInWrite(seconds: UInt16) throws {
    var parameters = NegotiatedParameters()
    parameters.immediateData = false
    let harness = try ReactorHarness(parameters: parameters)
    let unique = harness.write(offset: 0, .pattern(1024))
    let task = try harness.command().view.header.initiatorTaskTag
    harness.sendR2T(task, transferTag: 3, r2tSN: 0, offset: 0, length: 512)
    _ = try harness.sent()
    harness.sendAsync(.logoutRequested, parameters: (0, 0, seconds))
    let logout = try #require(try harness.sent())
    #expect(logout.header.opcode == .logoutRequest && logout.header.isImmediate)
    #expect(LogoutRequest(logout.header).reason == .closeSession)
    #expect(LogoutRequest(logout.header).connectionID == 0)
    #expect(logout.additionalHeader.isEmpty && logout.data.isEmpty)
    _ = harness.read(offset: 0, size: 512)
    #expect(try harness.sent() == nil)
    harness.sendLogoutResponse(to: logout)
    try harness.reconnect()
    let again = try harness.command().view.header
    #expect(again.cmdSN.rawValue == 50)
    harness.sendR2T(again.initiatorTaskTag, transferTag: 4, r2tSN: 0, offset: 0, length: 1024)
    _ = try harness.command()
    #expect(try harness.sent()?.data == .pattern(1024))
    harness.sendResponse(again.initiatorTaskTag)
    #expect(harness.reply() == .init(unique: unique, error: 0, payload: .accepted(1024)))
  }

  @Test("F17.1: after a Logout Response the connection is closed by us, then comes back")
  func closes() throws {
    let harness = try ReactorHarness()
    harness.sendAsync(.logoutRequested, parameters: (0, 0, 1))
    let logout = try #require(try harness.sent())
    harness.sendLogoutResponse(to: logout)
    var byte: UInt8 = 0
    #expect(unsafe recv(harness.target, &byte, 1, CInt(MSG_DONTWAIT)) == 0)
    try harness.reconnect()
    _ = harness.read(offset: 0, size: 512)
    _ = try harness.command()
  }

  @Test("F32: whatever a Logout Response says, the session is over", arguments: [0, 1, 2, 3, 200])
  func logoutResponses(code: UInt8) async throws {
    let harness = try ReactorHarness()
    try await harness.told(
      { .logout(ReactorHarness.session, $0) },
      meanwhile: {
        let logout = try #require(try harness.sent())
        harness.sendLogoutResponse(to: logout, code: code)
        #expect(harness.sessionState == .free)
      })
    let asked = try ReactorHarness()
    asked.sendAsync(.logoutRequested)
    asked.sendLogoutResponse(to: try #require(try asked.sent()), code: code)
    #expect(
      await asked.events() == [
        .sessionLost(ReactorHarness.session, .requestedByTarget(time2WaitSeconds: 4))
      ])
  }

  @Test("F15.3, F30: Async 5 stops data for its LUN and is confirmed by a NOP-Out with that LUN")
  func taskTermination() async throws {
    let harness = try ReactorHarness(parameters: .manySegments)
    harness.fillTransmitQueue()
    harness.sendAsync(.taskTermination)
    #expect(!harness.isSendingHeldBack)
    var confirmations: [BasicHeaderSegment] = []
    var dataLength = 0
    while let unit = try harness.sent() {
      dataLength += unit.data.count
      if unit.header.opcode == .nopOut { confirmations.append(unit.header) }
    }
    #expect(dataLength < 10 << 17)
    let confirmation = try #require(confirmations.first)
    #expect(confirmations.count == 1 && confirmation.isImmediate && confirmation.flags == 0x80)
    #expect(confirmation.initiatorTaskTag == .reserved)
    #expect(confirmation.targetTransferTag == .reserved)
    #expect(confirmation.word1 == 1 << 48 && confirmation.expStatSN.rawValue == 101)
    #expect(
      await harness.events() == [
        .asyncMessage(ReactorHarness.session, .taskTermination, Self.lun, nil)
      ])
  }

  @Test("P1: GOOD for a write whose data was not all sent is no success")
  func goodBeforeData() throws {
    let harness = try ReactorHarness(parameters: .manySegments)
    harness.fillTransmitQueue()
    harness.sendAsync(.taskTermination)
    var commands: [InitiatorTaskTag] = []
    while let unit = try harness.sent() {
      if unit.header.opcode == .scsiCommand { commands.append(unit.header.initiatorTaskTag) }
    }
    for task in commands { harness.sendResponse(task) }
    // The first ones were sent whole; the last ones are sent again.
    var answered = 0
    while let reply = harness.reply() {
      #expect(reply.error == 0)
      answered += 1
    }
    #expect(answered < 10)
    let again = try #require(try harness.sent())
    #expect(again.header.opcode == .scsiCommand)
  }

  @Test("P1: GOOD for a write whose bytes have not left us is no success")
  func goodBeforeItLeft() throws {
    var parameters = NegotiatedParameters()
    parameters.initialR2T = false
    parameters.firstBurstLength = 1 << 20
    parameters.maxXmitDataSegmentLength = 1 << 17
    let harness = try ReactorHarness(parameters: parameters)
    var last: UInt64 = 0
    for _ in 0..<8 where !harness.awaitsWritable {
      last = harness.write(offset: 0, .pattern(1 << 17))
    }
    #expect(harness.awaitsWritable)
    let slot = try #require(
      (0..<16).first { harness.reactor.slots[$0].caller.unique == last })
    // A target that has read nothing of it.
    harness.sendResponse(harness.reactor.slots[slot].tag(index: slot))
    #expect(harness.reply() == nil)
  }

  @Test(
    "F30, H60: Async 0, 255 and reserved events go by, ten thousand of them",
    arguments: [0, 6, 42, 255])
  func tolerated(event: UInt8) async throws {
    let harness = try ReactorHarness()
    let unique = harness.read(offset: 0, size: 512)
    let task = try harness.command().view.header.initiatorTaskTag
    for _ in 0..<100 {
      let flood = (0..<100).flatMap { _ in
        var header = harness.async(.scsiAsyncEvent)
        header.word4 = header.word4 & ~0xFF00_0000 | UInt64(event) << 24
        return ProtocolDataUnit(header: header).encoded()
      }
      harness.send(flood)
    }
    harness.sendDataIn(task, .pattern(512))
    #expect(harness.reply() == .init(unique: unique, error: 0, payload: .pattern(512)))
    let events = await harness.events()
    #expect(events.count == (event == 0 || event == 255 ? 4096 : 0))
  }

  @Test("F18.1, F20.4: Async 4 gets an empty Text Request at once")
  func negotiationRequested() throws {
    let harness = try ReactorHarness()
    harness.sendAsync(.negotiationRequested, parameters: (0, 0, 3))
    let request = try #require(try harness.sent())
    #expect(request.header.opcode == .textRequest && request.header.isImmediate)
    #expect(request.header.flags == 0x80 && request.header.word1 == 0)
    #expect(request.header.targetTransferTag == .reserved && request.data.isEmpty)
    #expect(request.header.cmdSN.rawValue == 50 && request.header.expStatSN.rawValue == 101)
    // One that is under way answers another as well.
    harness.sendAsync(.negotiationRequested, parameters: (0, 0, 3))
    #expect(try harness.sent() == nil)
    harness.sendText(to: request)
    harness.sendAsync(.negotiationRequested, parameters: (0, 0, 3))
    let next = try #require(try harness.sent())
    #expect(next.header.initiatorTaskTag != request.header.initiatorTaskTag)
  }

  @Test("F18.2: an unfinished Text Response is asked on with its tags and LUN")
  func continued() throws {
    let harness = try ReactorHarness()
    let request = try harness.beginText()
    harness.sendText(to: request, isFinal: false, continues: true, lun: 7, transferTag: 9, "Max")
    let next = try #require(try harness.sent())
    #expect(next.header.initiatorTaskTag == request.header.initiatorTaskTag)
    #expect(next.header.targetTransferTag.rawValue == 9 && next.header.word1 == 7)
    #expect(next.data.isEmpty && next.header.flags == 0x80)
    harness.sendText(to: request, "RecvDataSegmentLength=1024\0")
    _ = harness.write(offset: 0, .pattern(4096))
    #expect(try harness.command().unit.data.count == 1024)
  }

  @Test("F18.3.1: a finished Text Response with a tag ends the exchange; the logout has reason 0")
  func finishedWithTag() async throws {
    let harness = try ReactorHarness()
    let request = try harness.beginText()
    harness.sendText(to: request, transferTag: 9, "MaxRecvDataSegmentLength=512\0")
    #expect(try harness.sent() == nil)
    // What it said counts, and its tag is named nowhere.
    let unique = harness.write(offset: 0, .pattern(1024))
    let command = try harness.command()
    #expect(command.unit.data == .pattern(512))
    harness.sendR2T(
      command.view.header.initiatorTaskTag, transferTag: 3, r2tSN: 0, offset: 512, length: 512)
    #expect(try harness.sent()?.header.targetTransferTag.rawValue == 3)
    harness.sendResponse(command.view.header.initiatorTaskTag)
    #expect(harness.reply() == .init(unique: unique, error: 0, payload: .accepted(1024)))
    try await harness.told(
      { .logout(ReactorHarness.session, $0) },
      meanwhile: {
        let logout = try #require(try harness.sent())
        #expect(logout.header.word0 == 0x4680_0000_0000_0000)
        #expect(LogoutRequest(logout.header).reason == .closeSession && logout.header.word1 == 0)
        harness.sendLogoutResponse(to: logout)
      })
    #expect(await harness.losses() == [])
  }

  @Test("F18.3.2: an unfinished one without a tag, C with F, and endless ones lose the session")
  func brokenText() async throws {
    let bare = try ReactorHarness()
    bare.sendText(to: try bare.beginText(), isFinal: false)
    #expect(await bare.losses() == [.violation(.reservedTransferTag(.textResponse))])
    let both = try ReactorHarness()
    let request = try both.beginText()
    both.sendText(to: request, continues: true)
    let tag = request.header.initiatorTaskTag
    #expect(await both.losses() == [.violation(.unexpectedForTask(.textResponse, tag))])
    let endless = try ReactorHarness()
    let first = try endless.beginText()
    for _ in 0..<33 { endless.sendText(to: first, isFinal: false, transferTag: 1) }
    let endlessTag = first.header.initiatorTaskTag
    #expect(
      await endless.losses() == [.violation(.unexpectedForTask(.textResponse, endlessTag))])
    let junk = try ReactorHarness()
    junk.sendText(to: try junk.beginText(), "no equals sign\0")
    #expect(
      await junk.losses() == [.violation(.text(.missingValue("no equals sign")))])
    let silent = try ReactorHarness(timeouts: SessionTimeouts(pingIntervalMilliseconds: 0))
    _ = try silent.beginText()
    silent.advance(milliseconds: 30_000)
    #expect(await silent.losses() == [.commandTimedOut])
  }

  @Test("F18.4: keys of login are refused in full feature phase and change nothing")
  func operationalKeys() throws {
    let harness = try ReactorHarness()
    let request = try harness.beginText()
    harness.sendText(
      to: request, isFinal: false, transferTag: 5,
      "MaxBurstLength=512\0ImmediateData=No\0X-com.foo=1\0TargetAlias=a\0")
    let answer = try #require(try harness.sent())
    #expect(
      String(decoding: answer.data, as: UTF8.self)
        == "MaxBurstLength=Reject\0ImmediateData=Reject\0X-com.foo=NotUnderstood\0")
    #expect(answer.header.targetTransferTag.rawValue == 5)
    harness.sendText(to: request)
    _ = harness.write(offset: 0, .pattern(8192))
    #expect(try harness.command().unit.data.count == 8192)
  }

  @Test("H65: a Text Response nobody asked for loses the session")
  func unsolicitedText() async throws {
    let harness = try ReactorHarness()
    let tag = InitiatorTaskTag(rawValue: 0xFFFC)
    var header = BasicHeaderSegment(opcode: .textRequest)
    header.initiatorTaskTag = tag
    harness.sendText(to: ProtocolDataUnit(header: header))
    #expect(await harness.losses() == [.violation(.unknownTask(.textResponse, tag))])
  }
}

extension ReactorHarness {
  func async(
    _ event: AsyncMessage.Event, parameters: (UInt16, UInt16, UInt16) = (0, 0, 0)
  ) -> BasicHeaderSegment {
    AsyncMessage(
      event: event, logicalUnit: LogicalUnitNumber(number: 1), parameters: parameters,
      statSN: nextStatSN(), expCmdSN: window.exp, maxCmdSN: window.max
    ).header
  }

  func sendAsync(
    _ event: AsyncMessage.Event, parameters: (UInt16, UInt16, UInt16) = (0, 0, 0)
  ) {
    send(async(event, parameters: parameters))
  }

  func sendLogoutResponse(to request: ProtocolDataUnit, code: UInt8 = 0) {
    var header = LogoutResponse(
      response: .closed, initiatorTaskTag: request.header.initiatorTaskTag,
      statSN: nextStatSN(), expCmdSN: window.exp, maxCmdSN: window.max, time2Wait: 4
    ).header
    header.byte2 = code
    send(header)
  }

  /// Has a Text Request sent, and returns it.
  func beginText() throws -> ProtocolDataUnit {
    sendAsync(.negotiationRequested)
    return try #require(try sent())
  }

  func sendText(
    to request: ProtocolDataUnit, isFinal: Bool = true, continues: Bool = false, lun: UInt64 = 0,
    transferTag: UInt32 = 0xFFFF_FFFF, _ text: String = ""
  ) {
    send(
      TextResponse(
        isFinal: isFinal, continues: continues, lun: lun,
        initiatorTaskTag: request.header.initiatorTaskTag,
        targetTransferTag: TargetTransferTag(rawValue: transferTag), statSN: nextStatSN(),
        expCmdSN: window.exp, maxCmdSN: window.max
      ).header, data: Array(text.utf8))
  }

  /// Why the session was lost, each time; ends the reactor.
  func losses() async -> [SessionFailure] {
    await events().compactMap { event in
      if case .sessionLost(_, let failure, _) = event { failure } else { nil }
    }
  }
}
