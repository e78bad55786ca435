import Glibc
import ISCSI
import SCSI
import Testing
import Wire

@testable import Reactor

/// RFC 7143, 7.8, 7.9, 11.7.2 and 11.16.
@Suite("Lost Data-In at ErrorRecoveryLevel 1", .bothChannels, .timeLimit(.minutes(5)))
struct LostDataTests {
  private static let data = [UInt8].pattern(6 * 512)

  /// One of six Data-In of 512 bytes; the last bears the status, StatSN 100.
  private func piece(
    _ harness: ReactorHarness, _ task: InitiatorTaskTag, _ number: UInt32
  ) -> ProtocolDataUnit {
    harness.dataIn(
      task, number, Array(Self.data[Int(number) * 512..<Int(number + 1) * 512]),
      offset: number * 512, statSN: number == 5 ? 100 : nil)
  }

  @Test("F13.1, E04: a missing Data-In is asked for by number, before its status is acknowledged")
  func gap() throws {
    let harness = try ReactorHarness.recovering()
    let unique = harness.read(offset: 0, size: 3072)
    let task = try harness.command().view.header.initiatorTaskTag
    for number in [0, 1, 2, 4] as [UInt32] { harness.send(piece(harness, task, number)) }
    let wanted = SNACKBytes(kind: 0, task: task.rawValue, begRun: 3, runLength: 1)
    #expect(try harness.snack() == wanted)
    harness.send(piece(harness, task, 5))
    #expect(harness.reply() == nil)
    #expect(try harness.acknowledgedStatSN() == 100)
    harness.send(piece(harness, task, 3))
    #expect(harness.reply() == .init(unique: unique, error: 0, payload: Self.data))
    #expect(try harness.acknowledgedStatSN() == 101)
    #expect(harness.busySlots == 0)
  }

  @Test("E04: holes are asked for as they are found, filled in any order, the last one split")
  func holes() throws {
    let harness = try ReactorHarness.recovering()
    let unique = harness.read(offset: 0, size: 3072)
    let task = try harness.command().view.header.initiatorTaskTag
    harness.send(piece(harness, task, 1))
    #expect(
      try harness.snack() == SNACKBytes(kind: 0, task: task.rawValue, begRun: 0, runLength: 1))
    harness.send(piece(harness, task, 5))
    #expect(
      try harness.snack() == SNACKBytes(kind: 0, task: task.rawValue, begRun: 2, runLength: 3))
    for number in [3, 0, 4] as [UInt32] { harness.send(piece(harness, task, number)) }
    #expect(harness.reply() == nil)
    harness.send(piece(harness, task, 2))
    #expect(harness.reply() == .init(unique: unique, error: 0, payload: Self.data))
    #expect(try harness.sent() == nil)
  }

  @Test(
    "D10, E04: damaged data are dropped and asked for, and come right",
    arguments: [4096, 20_001])
  func damaged(length: Int) throws {
    let harness = try ReactorHarness.recovering(dataDigest: true)
    let data = [UInt8].pattern(40_960)
    let unique = harness.read(offset: 0, size: 40_960)
    let task = try harness.command().view.header.initiatorTaskTag
    let first = harness.dataIn(task, 0, Array(data[..<length]), offset: 0)
    let second = harness.dataIn(
      task, 1, Array(data[length...]), offset: UInt32(length), statSN: 100)
    harness.send(first, damaged: true)
    #expect(
      try harness.snack() == SNACKBytes(kind: 0, task: task.rawValue, begRun: 0, runLength: 1))
    harness.send(second, damaged: true)
    #expect(
      try harness.snack() == SNACKBytes(kind: 0, task: task.rawValue, begRun: 1, runLength: 1))
    // A response behind it does not ask for the status that comes with the data.
    harness.send(first)
    #expect(harness.reply() == nil)
    #expect(try harness.acknowledgedStatSN() == 100)
    harness.send(second)
    #expect(harness.reply() == .init(unique: unique, error: 0, payload: data))
    #expect(try harness.acknowledgedStatSN() == 101)
  }

  @Test(
    "E11: what comes twice is taken once, whole or in pieces", arguments: [512, 20_000],
    [1_000_000, 1000])
  func duplicates(length: Int, cut: Int) throws {
    let harness = try ReactorHarness.recovering()
    let data = [UInt8].pattern(length + 512)
    let size = (length + 1023) / 512 * 512
    let all = data + [UInt8](repeating: 9, count: size - data.count)
    let unique = harness.read(offset: 0, size: UInt32(size))
    let task = try harness.command().view.header.initiatorTaskTag
    harness.send(harness.dataIn(task, 0, Array(all[..<length]), offset: 0))
    let wrong = [UInt8](repeating: 0xEE, count: length)
    let bytes = harness.dataIn(task, 0, wrong, offset: 0).encoded()
    for start in stride(from: 0, to: bytes.count, by: cut) {
      harness.send(Array(bytes[start..<min(start + cut, bytes.count)]))
    }
    #expect(harness.reply() == nil)
    harness.send(
      harness.dataIn(task, 1, Array(all[length...]), offset: UInt32(length), statSN: 100))
    #expect(harness.reply() == .init(unique: unique, error: 0, payload: all))
  }

  @Test("F26, E04: GOOD that counts more Data-In than came waits for them, for ever if need be")
  func counted() throws {
    let harness = try ReactorHarness.recovering()
    let unique = harness.read(offset: 0, size: 3072)
    let task = try harness.command().view.header.initiatorTaskTag
    for number in 0..<4 as Range<UInt32> { harness.send(piece(harness, task, number)) }
    harness.send(harness.response(task, statSN: 100, expDataSN: 6))
    #expect(
      try harness.snack() == SNACKBytes(kind: 0, task: task.rawValue, begRun: 4, runLength: 2))
    #expect(try harness.acknowledgedStatSN() == 100)
    harness.send(piece(harness, task, 4))
    #expect(harness.reply() == nil)
    // With its status, as it was sent first: the same one again.
    harness.send(piece(harness, task, 5))
    #expect(harness.reply() == .init(unique: unique, error: 0, payload: Self.data))
    #expect(try harness.acknowledgedStatSN() == 101)
  }

  @Test("E09: a read whose Data SNACK is rejected is no success and is sent again as new")
  func rejected() throws {
    let harness = try ReactorHarness.recovering()
    let unique = harness.read(offset: 0, size: 3072)
    let command = try harness.command().view
    let task = command.header.initiatorTaskTag
    for number in [0, 1, 2, 4] as [UInt32] { harness.send(piece(harness, task, number)) }
    let snack = try harness.snack()
    let header = snack.bytes.withRawSpan { BasicHeaderSegment(parsing: $0) }
    harness.send(
      harness.dataIn(task, 5, Array(Self.data[2560...]), offset: 2560, statSN: 100))
    #expect(harness.reply() == nil)
    harness.reject(.snackReject, header, statSN: 101)
    #expect(harness.reply() == nil)
    let again = try harness.command().view
    #expect(again.header.initiatorTaskTag != task && again.header.cmdSN.rawValue == 51)
    #expect(again.header.word5 == command.header.word5)
    #expect(again.header.expStatSN.rawValue == 102)
    harness.send(
      harness.dataIn(again.header.initiatorTaskTag, 0, Self.data, offset: 0, statSN: 102))
    #expect(harness.reply() == .init(unique: unique, error: 0, payload: Self.data))
  }

  @Test("E09: a SNACK nobody answers ends the connection after 5 s, and the read goes on anew")
  func unanswered() async throws {
    let harness = try ReactorHarness.recovering()
    let unique = harness.read(offset: 0, size: 1024)
    let task = try harness.command().view.header.initiatorTaskTag
    harness.send(harness.dataIn(task, 1, .pattern(512), offset: 512, statSN: 100))
    _ = try harness.snack()
    harness.advance(milliseconds: 4_900)
    #expect(harness.sessionState == .up)
    harness.advance(milliseconds: 100)
    #expect(harness.sessionState == .lost)
    try harness.reconnect()
    let again = try harness.command().view.header.initiatorTaskTag
    harness.send(harness.dataIn(again, 0, .pattern(1024), offset: 0, statSN: 100))
    #expect(harness.reply() == .init(unique: unique, error: 0, payload: .pattern(1024)))
    #expect(await harness.losses() == [.recoveryTimedOut])
  }

  @Test("D10: data that come damaged again and again end the connection")
  func alwaysDamaged() async throws {
    let harness = try ReactorHarness.recovering(dataDigest: true)
    _ = harness.read(offset: 0, size: 512)
    let task = try harness.command().view.header.initiatorTaskTag
    let unit = harness.dataIn(task, 0, .pattern(512), offset: 0, statSN: 100)
    for _ in 0..<4 {
      harness.send(unit, damaged: true)
      _ = try harness.snack()
    }
    harness.send(unit, damaged: true)
    #expect(await harness.losses() == [.violation(.stillMissing(times: 4))])
  }

  @Test("E10: at ErrorRecoveryLevel 0 nothing is asked for, and the connection ends")
  func levelZero() async throws {
    let harness = try ReactorHarness()
    _ = harness.read(offset: 0, size: 3072)
    let task = try harness.command().view.header.initiatorTaskTag
    for number in [0, 2] as [UInt32] { harness.send(piece(harness, task, number)) }
    #expect(try harness.sent() == nil)
    #expect(await harness.losses() == [.violation(.dataSN(expected: 1, found: 2))])
  }

  @Test("D09: a wrong header digest ends the connection at ErrorRecoveryLevel 1 as well")
  func headerDigest() async throws {
    let harness = try ReactorHarness.recovering { $0.headerDigest = true }
    _ = harness.read(offset: 0, size: 512)
    let task = try harness.command().view.header.initiatorTaskTag
    var bytes = harness.dataIn(task, 0, .pattern(512), offset: 0, statSN: 100)
      .encoded(headerDigest: true)
    bytes[20] ^= 1
    harness.send(bytes)
    #expect(try harness.sent() == nil)
    #expect(await harness.losses().count == 1)
  }
}

@Suite("DataACK", .bothChannels, .timeLimit(.minutes(5)))
struct DataAcknowledgementTests {
  private static let lun = LogicalUnitNumber(number: 1).rawValue

  @Test("F10.2, F13.2: the A bit at the end of each burst is answered, before any status is")
  func bursts() throws {
    let harness = try ReactorHarness.recovering { $0.maxBurstLength = 1024 }
    let data = [UInt8].pattern(2048)
    let unique = harness.read(offset: 0, size: 2048)
    let task = try harness.command().view.header.initiatorTaskTag
    harness.send(harness.dataIn(task, 0, Array(data[..<512]), offset: 0))
    #expect(try harness.sent() == nil)
    harness.send(
      harness.dataIn(
        task, 1, Array(data[512..<1024]), offset: 512, isFinal: true, acknowledgedBy: 0xABBA_ABBA))
    #expect(
      try harness.snack()
        == SNACKBytes(
          kind: 2, lun: Self.lun, transferTag: 0xABBA_ABBA, begRun: 2, runLength: 0))
    harness.send(
      harness.dataIn(
        task, 2, Array(data[1024...]), offset: 1024, statSN: 100, acknowledgedBy: 7))
    // ExpStatSN 100: the status it came with is acknowledged by what follows.
    #expect(
      try harness.snack()
        == SNACKBytes(kind: 2, lun: Self.lun, transferTag: 7, begRun: 3, runLength: 0))
    #expect(harness.reply() == .init(unique: unique, error: 0, payload: data))
    #expect(try harness.acknowledgedStatSN() == 101)
  }

  @Test("F10.2: a DataACK waits until the holes before it are filled")
  func postponed() throws {
    let harness = try ReactorHarness.recovering()
    let data = [UInt8].pattern(1536)
    let unique = harness.read(offset: 0, size: 1536)
    let task = try harness.command().view.header.initiatorTaskTag
    harness.send(
      harness.dataIn(task, 1, Array(data[512..<1024]), offset: 512, acknowledgedBy: 7))
    #expect(
      try harness.snack() == SNACKBytes(kind: 0, task: task.rawValue, begRun: 0, runLength: 1))
    #expect(try harness.sent() == nil)
    harness.send(harness.dataIn(task, 0, Array(data[..<512]), offset: 0))
    #expect(
      try harness.snack()
        == SNACKBytes(kind: 2, lun: Self.lun, transferTag: 7, begRun: 2, runLength: 0))
    harness.send(harness.dataIn(task, 2, Array(data[1024...]), offset: 1024, statSN: 100))
    #expect(harness.reply() == .init(unique: unique, error: 0, payload: data))
  }

  @Test("F10.2: at ErrorRecoveryLevel 0 the A bit means nothing")
  func levelZero() throws {
    let harness = try ReactorHarness()
    let unique = harness.read(offset: 0, size: 512)
    let task = try harness.command().view.header.initiatorTaskTag
    harness.send(
      harness.dataIn(task, 0, .pattern(512), offset: 0, statSN: 100, acknowledgedBy: 7))
    #expect(harness.reply() == .init(unique: unique, error: 0, payload: .pattern(512)))
    #expect(try harness.sent() == nil)
  }

  @Test("F19.4.2: Data-In with A are answered after ABORT TASK SET, until its response")
  func afterAbort() async throws {
    let harness = try ReactorHarness.recovering()
    let unique = harness.read(offset: 0, size: 1024)
    let task = try harness.command().view.header.initiatorTaskTag
    let request = TaskManagement(
      session: ReactorHarness.session, function: .abortTaskSet,
      lun: LogicalUnitNumber(number: 1))
    let outcome = try await harness.told(
      { .manage(request, $0) },
      meanwhile: {
        let sent = TaskManagementRequest(try #require(try harness.sent()).header)
        harness.send(
          harness.dataIn(task, 0, .pattern(512), offset: 0, acknowledgedBy: 7))
        let wanted = SNACKBytes(
          kind: 2, lun: Self.lun, transferTag: 7, begRun: 1, runLength: 0)
        #expect(try harness.snack() == wanted)
        harness.sendManaged(sent, .functionComplete)
      })
    #expect(outcome == .complete)
    #expect(harness.reply() == .init(unique: unique, error: -EIO, payload: []))
  }
}
