import Glibc
import ISCSI
import SCSI
import Testing
import Wire

@testable import Reactor

@Suite("Keeping a connection alive", .bothChannels, .timeLimit(.minutes(5)))
struct KeepaliveTests {
  @Test("F15.1: the target's ping is answered with its tag and LUN, CmdSN not advanced")
  func answersPing() throws {
    let harness = try ReactorHarness()
    harness.send(
      NOPIn(
        logicalUnit: LogicalUnitNumber(number: 1),
        targetTransferTag: TargetTransferTag(rawValue: 0xABBA),
        statSN: SerialNumber(rawValue: 100), expCmdSN: harness.window.exp,
        maxCmdSN: harness.window.max
      ).header)
    let answer = try #require(try harness.sent()).header
    #expect(answer.opcode == .nopOut && answer.isImmediate && answer.flags == 0x80)
    #expect(answer.initiatorTaskTag == .reserved)
    #expect(answer.targetTransferTag.rawValue == 0xABBA)
    #expect(answer.word1 == 1 << 48)
    #expect(answer.cmdSN.rawValue == 50)
    // RFC 7143, 11.19.5: a NOP-In that is no answer does not advance StatSN.
    #expect(answer.expStatSN.rawValue == 100)
    _ = harness.read(offset: 0, size: 512)
    #expect(try harness.command().view.header.cmdSN.rawValue == 50)
  }

  @Test("F15.2: a silent target is pinged after noop_out_interval, once, and may go on so")
  func pings() throws {
    let harness = try ReactorHarness()
    #expect(harness.sleep == 5_000)
    harness.advance(milliseconds: 4_999)
    #expect(harness.sleep == 1)
    #expect(try harness.sent() == nil)
    for round in 0..<3 {
      harness.advance(milliseconds: round == 0 ? 1 : 5_000)
      let ping = try #require(try harness.sent()).header
      #expect(ping.opcode == .nopOut && ping.isImmediate)
      #expect(ping.initiatorTaskTag != .reserved)
      #expect(ping.targetTransferTag == .reserved)
      #expect(ping.word1 == 0)
      #expect(ping.cmdSN.rawValue == 50)
      harness.advance(milliseconds: 4_999)
      #expect(try harness.sent() == nil)
      harness.send(
        NOPIn(
          initiatorTaskTag: ping.initiatorTaskTag, statSN: harness.nextStatSN(),
          expCmdSN: harness.window.exp, maxCmdSN: harness.window.max
        ).header)
    }
    _ = harness.read(offset: 0, size: 512)
    #expect(try harness.command().view.header.expStatSN.rawValue == 103)
  }

  @Test("E25: a ping without an answer for noop_out_timeout ends the connection")
  func pingTimesOut() async throws {
    let harness = try ReactorHarness()
    harness.advance(milliseconds: 5_000)
    harness.advance(milliseconds: 5_000)
    #expect(await harness.events() == [.sessionLost(ReactorHarness.session, .pingTimedOut)])
  }

  @Test("another interval and time of pings count at once, 0 is none at all")
  func pingsSet() async throws {
    let harness = try ReactorHarness()
    harness.advance(milliseconds: 1_000)
    var timeouts = SessionTimeouts(pingIntervalMilliseconds: 0)
    harness.port.setTimeouts(ReactorHarness.session, timeouts)
    harness.turn()
    harness.advance(milliseconds: 100_000)
    #expect(try harness.sent() == nil)
    timeouts.pingIntervalMilliseconds = 102_000
    timeouts.pingTimeoutMilliseconds = 2_000
    harness.port.setTimeouts(ReactorHarness.session, timeouts)
    harness.turn()
    #expect(try harness.sent()?.header.opcode == .nopOut, "it is nearly due")
    harness.advance(milliseconds: 1_999)
    #expect(harness.sessionState == .up)
    harness.advance(milliseconds: 1)
    #expect(await harness.losses() == [.pingTimedOut])
  }

  @Test("E25, E27, H67: a frozen target is found out also when the send queue is full to the brim")
  func frozenUnderLoad() async throws {
    let harness = try ReactorHarness(parameters: .manySegments)
    harness.fillTransmitQueue()
    harness.advance(milliseconds: 5_000)
    harness.advance(milliseconds: 5_000)
    #expect(await harness.losses() == [.pingTimedOut])
  }

  /// It takes bytes until its window is zero, and says enough not to seem dead.
  @Test("H67: a target that talks and takes nothing keeps nobody waiting for ever")
  func closedReceiveWindow() throws {
    let harness = try ReactorHarness(parameters: .manySegments)
    harness.fillTransmitQueue()
    var seconds = 0
    var answers: [Int32] = []
    // Thirty seconds for a command, and as long as a lost path may take.
    while seconds < 300, harness.busySlots > 0 {
      harness.advance(milliseconds: 1000)
      seconds += 1
      if harness.sessionState == .up {
        harness.send(
          NOPIn(
            targetTransferTag: .reserved, statSN: harness.comingStatSN,
            expCmdSN: harness.window.exp, maxCmdSN: harness.window.max
          ).header)
      }
      while let reply = harness.reply() { answers.append(reply.error) }
    }
    #expect(seconds <= 155)
    #expect(harness.busySlots == 0)
    #expect(answers.count == 10 && answers.allSatisfy { $0 == -EIO || $0 == -ENOLINK })
  }

  @Test("the target's ping is answered also when the send queue is full to the brim")
  func pingUnderLoad() throws {
    let harness = try ReactorHarness(parameters: .manySegments)
    harness.fillTransmitQueue()
    harness.send(
      NOPIn(
        targetTransferTag: TargetTransferTag(rawValue: 9), statSN: SerialNumber(rawValue: 100),
        expCmdSN: harness.window.exp, maxCmdSN: harness.window.max
      ).header)
    var answers = 0
    while let unit = try harness.sent() {
      if unit.header.targetTransferTag.rawValue == 9 { answers += 1 }
    }
    #expect(answers == 1)
  }

  @Test("noop_out_interval 0 never pings, and an idle reactor sleeps")
  func noPings() throws {
    let harness = try ReactorHarness(timeouts: SessionTimeouts(pingIntervalMilliseconds: 0))
    harness.advance(milliseconds: 86_400_000)
    #expect(try harness.sent() == nil)
    #expect(harness.sleep == -1)
  }

  @Test("a ping somebody asks for is answered with its time, also where pings are off")
  func askedFor() async throws {
    let harness = try ReactorHarness(timeouts: SessionTimeouts(pingIntervalMilliseconds: 0))
    let answered = try await harness.told(
      { .ping(ReactorHarness.session, $0) },
      meanwhile: {
        let ping = try #require(try harness.sent()).header
        #expect(ping.opcode == .nopOut && ping.isImmediate)
        harness.advance(milliseconds: 4_999)
        harness.send(
          NOPIn(
            initiatorTaskTag: ping.initiatorTaskTag, statSN: harness.nextStatSN(),
            expCmdSN: harness.window.exp, maxCmdSN: harness.window.max
          ).header)
      })
    #expect(answered == .answered(nanoseconds: 4_999_000_000))
    let silent = try await harness.told(
      { .ping(ReactorHarness.session, $0) },
      meanwhile: { harness.advance(milliseconds: 5_000) })
    #expect(silent == .sessionLost)
    let gone = try await harness.told(
      { .ping(ReactorHarness.session, $0) }, meanwhile: {})
    #expect(gone == .notConnected)
    #expect(await harness.events() == [.sessionLost(ReactorHarness.session, .pingTimedOut)])
  }

  @Test("who asked is told in time also by a target that sends everything but the answer")
  func busyButDeaf() async throws {
    let harness = try ReactorHarness()
    let outcome = try await harness.told(
      { .ping(ReactorHarness.session, $0) },
      meanwhile: {
        _ = try harness.sent()
        for _ in 0..<3 {
          harness.advance(milliseconds: 2_000)
          harness.send(
            NOPIn(
              targetTransferTag: .reserved, statSN: harness.comingStatSN,
              expCmdSN: harness.window.exp, maxCmdSN: harness.window.max
            ).header)
        }
        if harness.pingerCount > 0 { harness.stop() }
      })
    #expect(outcome == .timedOut && harness.sessionState == .up)
  }

  @Test("one NOP-Out serves all who wait, sixteen of them; the seventeenth is told busy")
  func sharedPing() async throws {
    let harness = try ReactorHarness(timeouts: SessionTimeouts(pingIntervalMilliseconds: 0))
    let port = harness.port
    let waiting = (0..<16).map { _ in Task { await port.ping(ReactorHarness.session) } }
    while harness.pingerCount < 16 {
      harness.turn()
      await Task.yield()
    }
    #expect(
      try await harness.told({ .ping(ReactorHarness.session, $0) }, meanwhile: {}) == .busy)
    harness.stop()
    var outcomes: [PingOutcome] = []
    for task in waiting { outcomes.append(await task.value) }
    #expect(outcomes == [PingOutcome](repeating: .sessionLost, count: 16))
    var pings = 0
    while let unit = try harness.sent(), unit.header.opcode == .nopOut { pings += 1 }
    #expect(pings == 1)
  }

  @Test("P3: a command never answered gets EIO once replacement_timeout has passed over its tries")
  func neverAnswered() throws {
    let harness = try ReactorHarness(timeouts: SessionTimeouts(pingIntervalMilliseconds: 0))
    let unique = harness.read(offset: 0, size: 512)
    _ = try harness.command()
    for wait: UInt64 in [30_000, 15_000, 30_000] { harness.advance(milliseconds: wait) }
    try harness.reconnect()
    while try harness.sent() != nil {}
    harness.advance(milliseconds: 30_000)
    harness.advance(milliseconds: 14_999)
    #expect(harness.reply() == nil)
    harness.advance(milliseconds: 1)
    #expect(harness.reply() == .init(unique: unique, error: -5, payload: []))
  }
}

extension NegotiatedParameters {
  /// Writes travel as many small PDUs, all unsolicited.
  static var manySegments: NegotiatedParameters {
    var parameters = NegotiatedParameters()
    parameters.initialR2T = false
    parameters.firstBurstLength = 1 << 20
    parameters.maxBurstLength = 1 << 20
    parameters.maxXmitDataSegmentLength = 1024
    return parameters
  }
}

extension ReactorHarness {
  /// Who waits for the answer to a ping.
  var pingerCount: Int { reactor.connections[5].pingers.count }

  /// Writes more than socket and transmit queue hold, the target reading none of it.
  func fillTransmitQueue() {
    for index in 0..<10 { _ = write(offset: UInt64(index) << 17, .pattern(1 << 17)) }
    #expect(isSendingHeldBack)
  }
}
