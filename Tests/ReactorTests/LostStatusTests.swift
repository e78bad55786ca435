import Glibc
import ISCSI
import SCSI
import Testing
import Wire

@testable import Reactor

/// RFC 7143, 4.2.2.2, 7.1.4.2, 7.8, 7.9 and 11.16.
@Suite("Lost status at ErrorRecoveryLevel 1", .bothChannels, .timeLimit(.minutes(5)))
struct LostStatusTests {
  /// Writes of a block each, under way: whom to answer, and the tasks.
  private func writes(
    _ count: Int, _ harness: ReactorHarness
  ) throws -> [(unique: UInt64, task: InitiatorTaskTag)] {
    try (0..<count).map {
      let unique = harness.write(offset: UInt64($0) * 512, .pattern(512))
      return (unique, try harness.command().view.header.initiatorTaskTag)
    }
  }

  @Test("E07, F5.1: statuses that are missing are asked for as a run, and ExpStatSN waits for them")
  func run() throws {
    let harness = try ReactorHarness.recovering()
    let writes = try writes(4, harness)
    harness.send(harness.response(writes[2].task, statSN: 102))
    #expect(try harness.snack() == SNACKBytes(kind: 1, begRun: 100, runLength: 2))
    #expect(
      harness.reply() == .init(unique: writes[2].unique, error: 0, payload: .accepted(512)))
    harness.send(harness.response(writes[3].task, statSN: 103))
    #expect(
      harness.reply() == .init(unique: writes[3].unique, error: 0, payload: .accepted(512)))
    #expect(try harness.acknowledgedStatSN() == 100)
    harness.send(harness.response(writes[1].task, statSN: 101))
    #expect(
      harness.reply() == .init(unique: writes[1].unique, error: 0, payload: .accepted(512)))
    #expect(try harness.acknowledgedStatSN() == 100)
    harness.send(harness.response(writes[0].task, statSN: 100))
    #expect(
      harness.reply() == .init(unique: writes[0].unique, error: 0, payload: .accepted(512)))
    #expect(try harness.acknowledgedStatSN() == 104)
    #expect(harness.busySlots == 0)
  }

  @Test("E07: one missing status is asked for; a status that comes twice is taken once")
  func one() throws {
    let harness = try ReactorHarness.recovering()
    let writes = try writes(2, harness)
    harness.send(harness.response(writes[1].task, statSN: 101))
    #expect(try harness.snack() == SNACKBytes(kind: 1, begRun: 100, runLength: 1))
    for _ in 0..<2 {
      harness.send(harness.response(writes[0].task, statSN: 100))
      harness.send(harness.response(writes[1].task, statSN: 101))
    }
    #expect(
      harness.reply() == .init(unique: writes[1].unique, error: 0, payload: .accepted(512)))
    #expect(
      harness.reply() == .init(unique: writes[0].unique, error: 0, payload: .accepted(512)))
    #expect(harness.reply() == nil)
    #expect(try harness.acknowledgedStatSN() == 102)
    #expect(try harness.sent() == nil)
  }

  @Test("E07: a NOP-In that tells the next StatSN shows what is missing")
  func told() throws {
    let harness = try ReactorHarness.recovering()
    let writes = try writes(1, harness)
    harness.send(
      NOPIn(
        initiatorTaskTag: .reserved, targetTransferTag: .reserved,
        statSN: SerialNumber(rawValue: 101), expCmdSN: harness.window.exp,
        maxCmdSN: harness.window.max
      ).header)
    #expect(try harness.snack() == SNACKBytes(kind: 1, begRun: 100, runLength: 1))
    harness.send(harness.response(writes[0].task, statSN: 100))
    #expect(
      harness.reply() == .init(unique: writes[0].unique, error: 0, payload: .accepted(512)))
  }

  @Test("D11, E07: a response whose sense data are damaged is asked for by its StatSN")
  func damaged() throws {
    let harness = try ReactorHarness.recovering(dataDigest: true)
    let unique = harness.read(offset: 0, size: 512)
    let task = try harness.command().view.header.initiatorTaskTag
    let response = harness.response(
      task, statSN: 100, status: .checkCondition, sense: .sense(0x3, 0x11, 0))
    harness.send(response, damaged: true)
    #expect(try harness.snack() == SNACKBytes(kind: 1, begRun: 100, runLength: 1))
    #expect(harness.reply() == nil)
    harness.send(response)
    #expect(harness.reply() == .init(unique: unique, error: -EIO, payload: []))
    #expect(try harness.acknowledgedStatSN() == 101)
  }

  @Test("E07, F19.4.3: an answer to task management waits for the statuses before it")
  func order() async throws {
    let harness = try ReactorHarness.recovering()
    let write = try writes(1, harness)[0]
    let request = TaskManagement(
      session: ReactorHarness.session, function: .abortTask, task: write.task)
    let outcome = try await harness.told(
      { .manage(request, $0) },
      meanwhile: {
        let sent = TaskManagementRequest(try #require(try harness.sent()).header)
        let answer = TaskManagementResponse(
          response: .functionComplete, initiatorTaskTag: sent.header.initiatorTaskTag,
          statSN: SerialNumber(rawValue: 101), expCmdSN: harness.window.exp,
          maxCmdSN: harness.window.max)
        harness.send(answer.header)
        #expect(try harness.snack() == SNACKBytes(kind: 1, begRun: 100, runLength: 2))
        #expect(harness.reply() == nil)
        harness.send(harness.response(write.task, statSN: 100))
        harness.send(answer.header)
        harness.stopIfManaging()
      })
    #expect(outcome == .complete)
    // It was done before it was to be aborted.
    #expect(
      harness.reply() == .init(unique: write.unique, error: 0, payload: .accepted(512)))
  }

  @Test("E09: a status the target will not send again ends the connection; so does none in 5 s")
  func gone() async throws {
    for isRejected in [true, false] {
      let harness = try ReactorHarness.recovering()
      let writes = try writes(2, harness)
      harness.send(harness.response(writes[1].task, statSN: 101))
      let header = try harness.snack().bytes.withRawSpan { BasicHeaderSegment(parsing: $0) }
      if isRejected {
        harness.reject(.snackReject, header, statSN: 102)
        harness.reject(.snackReject, header, statSN: 100)
      } else {
        harness.advance(milliseconds: 5_000)
      }
      #expect(harness.sessionState == .lost)
      try harness.reconnect()
      let again = try harness.command().view
      #expect(again.logicalUnit == LogicalUnitNumber(number: 1))
      harness.send(harness.response(again.header.initiatorTaskTag, statSN: 100))
      _ = harness.reply()
      #expect(
        harness.reply() == .init(unique: writes[0].unique, error: 0, payload: .accepted(512)))
      let losses = await harness.losses()
      #expect(losses == [isRejected ? .violation(.rejected(reason: 3)) : .recoveryTimedOut])
    }
  }

  @Test("F5.1: a StatSN half a turn away ends the connection at ErrorRecoveryLevel 1 as well")
  func halfTurn() async throws {
    let harness = try ReactorHarness.recovering()
    let writes = try writes(1, harness)
    harness.send(harness.response(writes[0].task, statSN: 100 &+ 0x8000_0000))
    #expect(
      await harness.losses() == [.violation(.statSN(expected: 100, found: 0x8000_0064))])
  }
}
