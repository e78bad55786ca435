import Glibc
import ISCSI
import SCSI
import Testing
import Wire

@testable import Reactor

/// What is asked for with RunLength 0: RFC 7143, 11.16.6, 11.16.7 and 13.19.
@Suite("Everything missing asked for at once", .bothChannels, .timeLimit(.minutes(5)))
struct LostAllTests {
  private static let count: UInt32 = 32
  private static let data = [UInt8].pattern(Int(count) * 512)

  /// One of 32 Data-In of 512 bytes; the last bears the status.
  private func piece(
    _ harness: ReactorHarness, _ task: InitiatorTaskTag, _ number: UInt32, isFinal: Bool = false,
    statSN: UInt32 = 100
  ) -> ProtocolDataUnit {
    let last = Self.count - 1
    return harness.dataIn(
      task, number, Array(Self.data[Int(number) * 512..<Int(number + 1) * 512]),
      offset: number * 512, isFinal: isFinal, statSN: number == last ? statSN : nil)
  }

  private func read(_ harness: ReactorHarness) throws -> (unique: UInt64, task: InitiatorTaskTag) {
    let unique = harness.read(offset: 0, size: Self.count * 512)
    return (unique, try harness.command().view.header.initiatorTaskTag)
  }

  /// Eight holes, each asked for by its number; the next is one too many.
  private func openHoles(
    _ harness: ReactorHarness, _ task: InitiatorTaskTag, from first: UInt32
  ) throws {
    for number in stride(from: first, to: first + 16, by: 2) {
      harness.send(piece(harness, task, number + 1))
      let wanted = SNACKBytes(kind: 0, task: task.rawValue, begRun: number, runLength: 1)
      #expect(try harness.snack() == wanted)
    }
    harness.send(piece(harness, task, first + 17))
  }

  /// A read whose Data-In come up to `first`, then with too many holes: all from there on is asked
  /// for.
  private func readWithHoles(
    _ harness: ReactorHarness, from first: UInt32
  ) throws -> (unique: UInt64, task: InitiatorTaskTag) {
    let (unique, task) = try read(harness)
    for number in 0..<first { harness.send(piece(harness, task, number)) }
    try openHoles(harness, task, from: first)
    let wanted = SNACKBytes(kind: 0, task: task.rawValue, begRun: first, runLength: 0)
    #expect(try harness.snack() == wanted)
    return (unique, task)
  }

  @Test("E05, E11: with too many holes all is asked for (0, 0), and taken once")
  func data() throws {
    let harness = try ReactorHarness.recovering()
    let (unique, task) = try readWithHoles(harness, from: 0)
    // What was under way, then all of it, some twice; a duplicate's bytes are nobody's.
    harness.send(piece(harness, task, 18))
    let wrong = [UInt8](repeating: 0xEE, count: 512)
    for number in 0..<Self.count {
      harness.send(piece(harness, task, number))
      guard number < Self.count - 1 else { break }
      harness.send(harness.dataIn(task, number, wrong, offset: number * 512))
      #expect(harness.reply() == nil)
    }
    #expect(harness.reply() == .init(unique: unique, error: 0, payload: Self.data))
    #expect(try harness.acknowledgedStatSN() == 101)
    #expect(try harness.sent() == nil && harness.busySlots == 0)
  }

  @Test("E05: what came before the first hole is kept: all from there on is asked for")
  func rest() throws {
    let harness = try ReactorHarness.recovering()
    let (unique, task) = try readWithHoles(harness, from: 3)
    let wrong = [UInt8](repeating: 0xEE, count: 512)
    harness.send(harness.dataIn(task, 2, wrong, offset: 1024))
    for number in 3..<Self.count { harness.send(piece(harness, task, number)) }
    #expect(harness.reply() == .init(unique: unique, error: 0, payload: Self.data))
    #expect(try harness.sent() == nil)
  }

  @Test("E05: the status of a Data-In that was passed by comes with its data, and others before it")
  func status() throws {
    let harness = try ReactorHarness.recovering()
    let (unique, task) = try readWithHoles(harness, from: 14)
    #expect(harness.reply() == nil)
    #expect(try harness.acknowledgedStatSN() == 100)
    for number in 14..<Self.count { harness.send(piece(harness, task, number)) }
    #expect(harness.reply() == .init(unique: unique, error: 0, payload: Self.data))
    #expect(try harness.acknowledgedStatSN() == 101)
  }

  @Test("E05: while sequences are in order, data of an earlier one are not: the read is sent anew")
  func earlierSequence() throws {
    let harness = try ReactorHarness.recovering()
    let (unique, task) = try read(harness)
    for number in stride(from: 1, to: 16, by: 2) as StrideTo<UInt32> {
      harness.send(piece(harness, task, number, isFinal: number == 7))
      _ = try harness.snack()
    }
    harness.send(piece(harness, task, 17))
    #expect(try harness.sent() == nil)
    for number in 18..<Self.count { harness.send(piece(harness, task, number)) }
    #expect(harness.reply() == nil)
    let again = try harness.command().view.header
    #expect(again.initiatorTaskTag != task && again.cmdSN.rawValue == 51)
    for number in 0..<Self.count {
      harness.send(piece(harness, again.initiatorTaskTag, number, statSN: 101))
    }
    #expect(harness.reply() == .init(unique: unique, error: 0, payload: Self.data))
  }

  @Test("E05: a target that leaves out as many again and again ends the connection")
  func bound() async throws {
    let harness = try ReactorHarness.recovering()
    let task = try read(harness).task
    try openHoles(harness, task, from: 0)
    for round in 1...3 {
      #expect(
        try harness.snack() == SNACKBytes(kind: 0, task: task.rawValue, begRun: 0, runLength: 0))
      #expect(harness.sessionState == .up, "round \(round)")
      for number in stride(from: 1, to: 16, by: 2) as StrideTo<UInt32> {
        harness.send(piece(harness, task, number))
      }
    }
    #expect(await harness.losses() == [.violation(.tooManyMissing(limit: 8))])
  }

  // MARK: - Statuses

  /// Something with a StatSN that means nothing to anybody.
  private func sendNumbered(_ harness: ReactorHarness, _ numbers: Range<UInt32>) {
    for number in numbers {
      harness.send(
        AsyncMessage(
          event: .vendorSpecific, parameters: (0, 0, 0), statSN: ReactorHarness.serial(number),
          expCmdSN: harness.window.exp, maxCmdSN: harness.window.max
        ).header)
    }
  }

  @Test("E05, E07: a status too far ahead to be kept: all are asked for (0, 0), once")
  func statuses() throws {
    let harness = try ReactorHarness.recovering()
    let writes = try (0..<2).map { number in
      (
        unique: harness.write(offset: UInt64(number) * 512, .pattern(512)),
        task: try harness.command().view.header.initiatorTaskTag
      )
    }
    harness.send(harness.response(writes[0].task, statSN: 300))
    #expect(try harness.snack() == SNACKBytes(kind: 1, begRun: 0, runLength: 0))
    harness.send(harness.response(writes[1].task, statSN: 301))
    #expect(try harness.sent() == nil && harness.reply() == nil)
    sendNumbered(harness, 100..<101)
    // The second may not be among what is sent again: it came behind the request.
    #expect(
      try harness.snack() == SNACKBytes(kind: 1, expStatSN: 101, begRun: 0, runLength: 0))
    sendNumbered(harness, 101..<300)
    for _ in 0..<2 {
      harness.send(harness.response(writes[0].task, statSN: 300))
      harness.send(harness.response(writes[1].task, statSN: 301))
    }
    for write in writes {
      #expect(harness.reply() == .init(unique: write.unique, error: 0, payload: .accepted(512)))
    }
    #expect(harness.reply() == nil)
    #expect(try harness.acknowledgedStatSN() == 302)
  }

  @Test("E05: a status too far ahead that came with data ends its task when it comes again")
  func statusWithData() throws {
    let harness = try ReactorHarness.recovering()
    let unique = harness.read(offset: 0, size: 1024)
    let task = try harness.command().view.header.initiatorTaskTag
    harness.send(harness.dataIn(task, 0, .pattern(512), offset: 0))
    let last = harness.dataIn(task, 1, .pattern(512, from: 3), offset: 512, statSN: 250)
    harness.send(last)
    #expect(try harness.snack() == SNACKBytes(kind: 1, begRun: 0, runLength: 0))
    #expect(harness.reply() == nil)
    sendNumbered(harness, 100..<250)
    harness.send(last)
    #expect(
      harness.reply()
        == .init(unique: unique, error: 0, payload: .pattern(512) + .pattern(512, from: 3)))
    #expect(try harness.acknowledgedStatSN() == 251)
  }

  @Test("E05, D10: the same for one whose data came damaged: both are asked for")
  func damagedWithStatus() throws {
    let harness = try ReactorHarness.recovering(dataDigest: true)
    let unique = harness.read(offset: 0, size: 512)
    let task = try harness.command().view.header.initiatorTaskTag
    let last = harness.dataIn(task, 0, .pattern(512), offset: 0, statSN: 250)
    harness.send(last, damaged: true)
    let wanted = SNACKBytes(kind: 0, task: task.rawValue, begRun: 0, runLength: 1)
    #expect(try harness.snack() == wanted)
    #expect(try harness.snack() == SNACKBytes(kind: 1, begRun: 0, runLength: 0))
    sendNumbered(harness, 100..<250)
    harness.send(last)
    #expect(harness.reply() == .init(unique: unique, error: 0, payload: .pattern(512)))
    #expect(try harness.acknowledgedStatSN() == 251)
  }

  @Test("E05, E07: what was dropped behind a status that waits is asked for when its task ends")
  func behindHeld() throws {
    let harness = try ReactorHarness.recovering()
    let reading = harness.read(offset: 0, size: 1024)
    let read = try harness.command().view.header.initiatorTaskTag
    let writing = harness.write(offset: 4096, .pattern(512))
    let write = try harness.command().view.header.initiatorTaskTag
    harness.send(harness.dataIn(read, 1, .pattern(512, from: 3), offset: 512, statSN: 100))
    let wanted = SNACKBytes(kind: 0, task: read.rawValue, begRun: 0, runLength: 1)
    #expect(try harness.snack() == wanted)
    sendNumbered(harness, 101..<228)
    sendNumbered(harness, 228..<229)
    #expect(try harness.snack() == SNACKBytes(kind: 1, begRun: 0, runLength: 0))
    harness.send(harness.response(write, statSN: 229))
    // Sent again, 228 is as far ahead as before.
    sendNumbered(harness, 228..<229)
    #expect(try harness.sent() == nil && harness.reply() == nil)
    harness.send(harness.dataIn(read, 0, .pattern(512), offset: 0))
    #expect(
      harness.reply()
        == .init(unique: reading, error: 0, payload: .pattern(512) + .pattern(512, from: 3)))
    #expect(
      try harness.snack() == SNACKBytes(kind: 1, expStatSN: 228, begRun: 0, runLength: 0))
    sendNumbered(harness, 228..<229)
    harness.send(harness.response(write, statSN: 229))
    #expect(harness.reply() == .init(unique: writing, error: 0, payload: .accepted(512)))
    #expect(try harness.acknowledgedStatSN() == 230)
    harness.advance(milliseconds: 5000)
    #expect(harness.sessionState == .up)
  }

  @Test("E05, E09: a target that does not send them in 5 s loses the connection")
  func unanswered() async throws {
    let harness = try ReactorHarness.recovering()
    _ = harness.write(offset: 0, .pattern(512))
    let task = try harness.command().view.header.initiatorTaskTag
    harness.send(harness.response(task, statSN: 228))
    _ = try harness.snack()
    harness.advance(milliseconds: 4_900)
    #expect(harness.sessionState == .up)
    harness.advance(milliseconds: 100)
    #expect(harness.sessionState == .lost)
    #expect(await harness.losses() == [.recoveryTimedOut])
  }
}
