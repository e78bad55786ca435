import FUSE
import Glibc
import ISCSI
import SCSI
import Testing
import Wire

@testable import Reactor

/// A read goes on where our MaxRecvDataSegmentLength is another: RFC 7143, 7.2.2, 11.4.4, 11.5.6,
/// 11.16.3 and 11.16.5. It may be: `config` counts from the next login on.
@Suite("Data cut otherwise than before", .bothChannels, .timeLimit(.minutes(5)))
struct ResegmentationTests {
  private static let data = [UInt8].pattern(4096)

  private struct Read {
    let harness: ReactorHarness
    let unique: UInt64
    let task: InitiatorTaskTag
    /// The status' number on the new connection.
    let statSN: UInt32 = 101

    /// A Data-In with a piece of `length` bytes, with status where it is told.
    func piece(
      _ number: UInt32, _ length: Int, hasStatus: Bool = false, acknowledgedBy tag: UInt32? = nil
    ) -> ProtocolDataUnit {
      let start = Int(number) * length
      return harness.dataIn(
        task, number, Array(ResegmentationTests.data[start..<start + length]),
        offset: UInt32(start), isFinal: start + length == 4096,
        statSN: hasStatus ? statSN : nil, acknowledgedBy: tag)
    }

    /// The R-Data SNACK with the first tag, sent because the second piece of 512 bytes is missing.
    func askedForAll() throws -> BasicHeaderSegment {
      send([0, 2], 512)
      let snack = try harness.snack()
      #expect(snack == rData(tag: 1))
      return snack.bytes.withRawSpan { BasicHeaderSegment(parsing: $0) }
    }

    func send(_ numbers: [UInt32], _ length: Int) {
      for number in numbers { harness.send(piece(number, length)) }
    }

    func rData(tag: UInt32) -> SNACKBytes {
      SNACKBytes(
        kind: 3, task: task.rawValue, transferTag: tag, expStatSN: 101, begRun: 0, runLength: 0)
    }

    func respond(tag: UInt32) {
      harness.send(harness.response(task, statSN: statSN, expDataSN: 8, snackTag: tag))
    }

    /// Plays the command that takes the place of this one.
    func serveAnew() throws {
      let again = try harness.command().view.header
      #expect(again.initiatorTaskTag != task && again.cmdSN.rawValue == 51)
      for number in 0..<8 as Range<UInt32> {
        var unit = piece(number, 512)
        unit.header.initiatorTaskTag = again.initiatorTaskTag
        harness.send(unit)
      }
      harness.send(harness.response(again.initiatorTaskTag, statSN: 103, expDataSN: 8))
      #expect(
        harness.reply() == .init(unique: unique, error: 0, payload: ResegmentationTests.data))
    }

    func expectEnd() throws {
      #expect(
        harness.reply() == .init(unique: unique, error: 0, payload: ResegmentationTests.data))
      #expect(try harness.acknowledgedStatSN() == statSN + 1)
      #expect(try harness.sent() == nil && harness.busySlots == 0)
    }
  }

  /// A read of which two Data-In of 1024 bytes have come, taken over by a connection whose
  /// MaxRecvDataSegmentLength is `length`; what TASK REASSIGN said of ExpDataSN.
  private func reassigned(
    to length: UInt32, dataDigest: Bool = false, acknowledging: Bool = false
  ) throws -> (read: Read, expDataSN: UInt32) {
    let harness = try ReactorHarness.reassigning {
      $0.dataDigest = dataDigest
      $0.maxRecvDataSegmentLength = 1024
    }
    let unique = harness.read(offset: 0, size: 4096)
    let task = try harness.command().view.header.initiatorTaskTag
    for number in 0..<2 {
      let offset = number * 1024
      harness.send(
        harness.dataIn(
          task, UInt32(number), Array(Self.data[offset..<offset + 1024]), offset: UInt32(offset),
          isFinal: number == 1, acknowledgedBy: acknowledging && number == 1 ? 77 : nil))
    }
    if acknowledging { _ = try harness.snack() }
    try harness.closeTarget()
    harness.parameters.maxRecvDataSegmentLength = length
    try harness.rejoin(expCmdSN: 51)
    let request = try harness.reassignment()
    #expect(request.referencedTaskTag == task)
    harness.answer(request, .functionComplete, expCmdSN: 51)
    return (Read(harness: harness, unique: unique, task: task), request.expDataSN)
  }

  @Test("E06: ExpDataSN 0, and what is then missing is asked for by an R-Data SNACK with its tag")
  func missing() throws {
    let (read, expDataSN) = try reassigned(to: 512)
    #expect(expDataSN == 0)
    read.send([0, 1, 2, 4], 512)
    #expect(try read.harness.snack() == read.rData(tag: 1))
    // Under way since before: no hole is asked for again, and this status does not count.
    read.send([5, 6], 512)
    read.harness.send(read.piece(7, 512, hasStatus: true))
    #expect(try read.harness.sent() == nil && read.harness.reply() == nil)
    read.send(Array(0..<8), 512)
    #expect(read.harness.reply() == nil)
    // ExpStatSN waits for the one with the tag, which has the same number.
    #expect(try read.harness.acknowledgedStatSN() == 101)
    for tag in [0, 2, .max] as [UInt32] {
      read.respond(tag: tag)
      #expect(read.harness.reply() == nil, "\(tag)")
    }
    read.respond(tag: 1)
    try read.expectEnd()
  }

  @Test("E06: all is sent anew in fewer PDUs, whatever their numbers were")
  func larger() throws {
    let (read, expDataSN) = try reassigned(to: 65_536)
    #expect(expDataSN == 0)
    // This target has kept what it had sent, and cuts anew only when it has to.
    read.send([0, 2, 3], 1024)
    #expect(try read.harness.snack() == read.rData(tag: 1))
    read.send([0], 4096)
    #expect(read.harness.reply() == nil)
    read.harness.send(read.harness.response(read.task, statSN: 101, expDataSN: 1, snackTag: 1))
    try read.expectEnd()
  }

  @Test("E06, D10: the same for data that come damaged, however often within a bound")
  func damaged() async throws {
    let (read, _) = try reassigned(to: 512, dataDigest: true)
    read.send([0, 1], 512)
    read.harness.send(read.piece(2, 512), damaged: true)
    for tag in 1...3 as ClosedRange<UInt32> {
      #expect(try read.harness.snack() == read.rData(tag: tag))
      read.send(Array(0..<7), 512)
      read.harness.send(read.piece(7, 512), damaged: true)
      #expect(try read.harness.sent() == nil)
      read.respond(tag: tag)
      #expect(read.harness.reply() == nil)
    }
    #expect(await read.harness.losses() == [.violation(.stillMissing(times: 4))])
  }

  @Test("E06: a GOOD that counts more than came is no end either")
  func counted() throws {
    let (read, _) = try reassigned(to: 512)
    read.send(Array(0..<6), 512)
    read.respond(tag: 0)
    #expect(try read.harness.snack() == read.rData(tag: 1))
    #expect(try read.harness.acknowledgedStatSN() == 101)
    read.send(Array(0..<8), 512)
    read.respond(tag: 1)
    try read.expectEnd()
  }

  @Test("E06: whole without a loss, no SNACK is sent and any status counts")
  func whole() throws {
    let (read, _) = try reassigned(to: 512)
    read.send(Array(0..<7), 512)
    read.harness.send(read.piece(7, 512, hasStatus: true))
    try read.expectEnd()
  }

  @Test("E06: what a DataACK acknowledged is not asked for again: numbers go on behind it")
  func acknowledged() throws {
    let (read, expDataSN) = try reassigned(to: 512, acknowledging: true)
    #expect(expDataSN == 2)
    func rest(_ number: UInt32) -> ProtocolDataUnit {
      let start = 2048 + Int(number - 2) * 512
      return read.harness.dataIn(
        read.task, number, Array(Self.data[start..<start + 512]), offset: UInt32(start))
    }
    for number in [2, 4] as [UInt32] { read.harness.send(rest(number)) }
    #expect(try read.harness.snack() == read.rData(tag: 1))
    for number in 2..<6 as Range<UInt32> { read.harness.send(rest(number)) }
    read.respond(tag: 1)
    try read.expectEnd()
  }

  @Test("E06, E09: a target that rejects it: no success, and sent again as new")
  func rejected() throws {
    let (read, _) = try reassigned(to: 512)
    let header = try read.askedForAll()
    read.send(Array(3..<8), 512)
    read.harness.send(read.harness.response(read.task, statSN: 101, expDataSN: 8))
    #expect(read.harness.reply() == nil)
    read.harness.reject(.snackReject, header, statSN: 102)
    #expect(read.harness.reply() == nil)
    try read.serveAnew()
  }

  @Test("E06, E09: where a target rejects it the sense that came with the status still counts")
  func rejectedWithSense() throws {
    let (read, _) = try reassigned(to: 512)
    let header = try read.askedForAll()
    read.harness.send(
      read.harness.response(
        read.task, statSN: 101, status: .checkCondition, sense: .sense(0x3, 0x11, 0)))
    #expect(try read.harness.sent() == nil && read.harness.reply() == nil)
    read.harness.reject(.snackReject, header, statSN: 102)
    // UNRECOVERED READ ERROR: nothing is gained by asking again.
    #expect(read.harness.reply() == .init(unique: read.unique, error: -EIO, payload: []))
    #expect(try read.harness.acknowledgedStatSN() == 103)
    #expect(try read.harness.sent() == nil && read.harness.busySlots == 0)
  }

  @Test("E06, E09: so does a deferred error: the read is sent anew, and the next fsync is told")
  func rejectedWithDeferredError() throws {
    let (read, _) = try reassigned(to: 512)
    let header = try read.askedForAll()
    read.harness.send(
      read.harness.response(
        read.task, statSN: 101, status: .checkCondition,
        sense: .sense(0x3, 0x0C, 0, deferred: true)))
    read.harness.reject(.snackReject, header, statSN: 102)
    try read.serveAnew()
    let flushing = read.harness.request(.fsync)
    let flush = try read.harness.command().view.header.initiatorTaskTag
    read.harness.send(read.harness.response(flush, statSN: 104))
    #expect(read.harness.reply() == .init(unique: flushing, error: -EIO, payload: []))
  }

  @Test("E06, F10.2: an A bit behind it is answered where no data are missing, and ends that part")
  func acknowledgedBehind() throws {
    let (read, _) = try reassigned(to: 512)
    _ = try read.askedForAll()
    func acknowledgement(_ tag: UInt32, begRun: UInt32) -> SNACKBytes {
      SNACKBytes(
        kind: 2, lun: LogicalUnitNumber(number: 1).rawValue, transferTag: tag, expStatSN: 101,
        begRun: begRun, runLength: 0)
    }
    // Under way since before: what is missing before it comes with the others.
    read.harness.send(read.piece(3, 512, acknowledgedBy: 70))
    #expect(try read.harness.sent() == nil)
    read.send([0, 1, 2], 512)
    read.harness.send(read.piece(3, 512, acknowledgedBy: 71))
    #expect(try read.harness.snack() == acknowledgement(71, begRun: 4))
    read.send([5, 6, 7], 512)
    read.respond(tag: 1)
    // The target sends what was acknowledged no more.
    #expect(try read.harness.snack() == read.rData(tag: 2))
    read.send([4, 5, 6], 512)
    read.harness.send(read.piece(7, 512, acknowledgedBy: 72))
    #expect(try read.harness.snack() == acknowledgement(72, begRun: 8))
    read.respond(tag: 2)
    try read.expectEnd()
  }

  @Test("E06, F10.2: the A bit with a reserved tag is a violation behind it as well")
  func reservedTagBehind() async throws {
    let (read, _) = try reassigned(to: 512)
    _ = try read.askedForAll()
    read.harness.send(read.piece(0, 512, acknowledgedBy: .max))
    #expect(await read.harness.losses() == [.violation(.reservedTransferTag(.dataIn))])
  }

  @Test("E06, E13: what ExpDataSN has acknowledged stays so where the length changes later")
  func acknowledgedByReassignment() throws {
    let (read, expDataSN) = try reassigned(to: 1024)
    #expect(expDataSN == 2)
    try read.harness.closeTarget()
    read.harness.parameters.maxRecvDataSegmentLength = 512
    try read.harness.rejoin(expCmdSN: 51)
    let request = try read.harness.reassignment()
    #expect(request.referencedTaskTag == read.task && request.expDataSN == 2)
    read.harness.answer(request, .functionComplete, expCmdSN: 51)
    for number in 2..<6 as Range<UInt32> {
      let start = 2048 + Int(number - 2) * 512
      read.harness.send(
        read.harness.dataIn(
          read.task, number, Array(Self.data[start..<start + 512]), offset: UInt32(start),
          statSN: number == 5 ? 101 : nil))
    }
    try read.expectEnd()
  }

  @Test("E06, E09: one that never answers it loses the connection after 5 s")
  func unanswered() throws {
    let (read, _) = try reassigned(to: 512)
    _ = try read.askedForAll()
    read.harness.advance(milliseconds: 4_900)
    #expect(read.harness.sessionState == .up)
    read.harness.advance(milliseconds: 100)
    #expect(read.harness.sessionState == .lost)
  }

  @Test("E06, E13: where the length is the same a Data SNACK asks, and ExpDataSN tells what came")
  func sameLength() throws {
    let (read, expDataSN) = try reassigned(to: 1024)
    #expect(expDataSN == 2)
    read.send([3], 1024)
    #expect(
      try read.harness.snack()
        == SNACKBytes(
          kind: 0, task: read.task.rawValue, expStatSN: 101, begRun: 2, runLength: 1))
    read.send([2], 1024)
    read.harness.send(read.harness.response(read.task, statSN: 101, expDataSN: 4))
    try read.expectEnd()
  }
}
