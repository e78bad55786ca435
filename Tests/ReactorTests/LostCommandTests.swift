import Glibc
import ISCSI
import SCSI
import Testing
import Wire

@testable import Reactor

/// RFC 7143, 7.2.1, 7.8, 7.9 and 11.8.
@Suite("Lost commands and R2Ts at ErrorRecoveryLevel 1", .bothChannels, .timeLimit(.minutes(5)))
struct LostCommandTests {
  /// A NOP-In without a number: the target is there and expects this command.
  private func tell(_ harness: ReactorHarness, expCmdSN: UInt32) {
    harness.send(
      NOPIn(
        initiatorTaskTag: .reserved, targetTransferTag: .reserved,
        statSN: harness.comingStatSN, expCmdSN: SerialNumber(rawValue: expCmdSN),
        maxCmdSN: harness.window.max
      ).header)
  }

  private func everything(_ harness: ReactorHarness) throws -> [ProtocolDataUnit] {
    var units: [ProtocolDataUnit] = []
    while let unit = try harness.sent() { units.append(unit) }
    return units
  }

  @Test("F4.1, E12: a command the target still expects after 5 s is sent again as it was")
  func hole() throws {
    var timeouts = SessionTimeouts()
    timeouts.pingIntervalMilliseconds = 0
    let harness = try ReactorHarness.recovering(timeouts: timeouts) {
      $0.initialR2T = false
      $0.maxXmitDataSegmentLength = 512
      $0.firstBurstLength = 1024
    }
    let lost = harness.write(offset: 0, .pattern(1536))
    let first = try everything(harness)
    #expect(first.map(\.header.opcode) == [.scsiCommand, .dataOut])
    let other = harness.read(offset: 4096, size: 512)
    let second = try harness.command().view.header
    harness.advance(milliseconds: 4_900)
    tell(harness, expCmdSN: 50)
    #expect(try harness.sent() == nil)
    harness.advance(milliseconds: 300)
    // Only the one that leaves a hole, with its tag, number, flags and data.
    #expect(try everything(harness) == first)
    harness.send(
      harness.dataIn(second.initiatorTaskTag, 0, .pattern(512), offset: 0, statSN: 100))
    #expect(harness.reply() == .init(unique: other, error: 0, payload: .pattern(512)))
    let task = first[0].header.initiatorTaskTag
    harness.sendR2T(task, transferTag: 5, r2tSN: 0, offset: 1024, length: 512)
    let data = try #require(try harness.sent())
    #expect(data.header.opcode == .dataOut && data.data == Array([UInt8].pattern(1536)[1024...]))
    harness.send(harness.response(task, statSN: 101, expDataSN: 1, expCmdSN: 52))
    #expect(harness.reply() == .init(unique: lost, error: 0, payload: .accepted(1536)))
    harness.advance(milliseconds: 20_000)
    #expect(try harness.sent()?.header.opcode != .scsiCommand)
  }

  @Test("F4.1, E12: not while the target says nothing, nor when it has the command, nor at level 0")
  func noHole() throws {
    for (level, expCmdSN) in [(1, nil), (1, 51), (0, 50)] as [(UInt32, UInt32?)] {
      var timeouts = SessionTimeouts()
      timeouts.pingIntervalMilliseconds = 0
      let harness = try ReactorHarness.recovering(timeouts: timeouts) {
        $0.errorRecoveryLevel = level
      }
      _ = harness.read(offset: 0, size: 512)
      _ = try harness.command()
      harness.advance(milliseconds: 4_900)
      if let expCmdSN { tell(harness, expCmdSN: expCmdSN) }
      harness.advance(milliseconds: 10_000)
      #expect(try harness.sent() == nil)
    }
  }

  @Test("E12, E18: a command is sent again three times, then aborted; its CmdSN counts as used")
  func bounded() throws {
    let harness = try ReactorHarness.recovering()
    let unique = harness.read(offset: 0, size: 512)
    let command = try harness.command().unit
    var count = 0
    for _ in 0..<29 {
      harness.advance(milliseconds: 1_000)
      tell(harness, expCmdSN: 50)
      for unit in try everything(harness) where unit.header.opcode == .scsiCommand {
        #expect(unit == command)
        count += 1
      }
    }
    #expect(count == 3)
    harness.advance(milliseconds: 1_500)
    let abort = try harness.management(.abortTask)
    #expect(abort.refCmdSN == command.header.cmdSN)
    #expect(abort.referencedTaskTag == command.header.initiatorTaskTag)
    // The target that never saw the command takes its number for received (RFC 7143, 11.6.1).
    harness.sendManaged(abort, .taskDoesNotExist)
    let again = try harness.command().view.header
    #expect(again.cmdSN.rawValue == 51)
    harness.sendDataIn(again.initiatorTaskTag, .pattern(512))
    #expect(harness.reply() == .init(unique: unique, error: 0, payload: .pattern(512)))
  }

  @Test("F4.1, D13: a command rejected for its damaged immediate data is sent again at once")
  func rejected() throws {
    let harness = try ReactorHarness.recovering()
    let unique = harness.write(offset: 0, .pattern(512))
    let command = try harness.command().unit
    #expect(command.data == .pattern(512))
    harness.reject(.dataDigestError, command.header, statSN: 100)
    let again = try #require(try harness.sent())
    #expect(again.header.expStatSN.rawValue == 101)
    var same = again
    same.header.expStatSN = command.header.expStatSN
    #expect(same == command)
    harness.send(harness.response(command.header.initiatorTaskTag, statSN: 101, expCmdSN: 51))
    #expect(harness.reply() == .init(unique: unique, error: 0, payload: .accepted(512)))
  }

  @Test("F4.1: a command the target rejects and has taken is no hole: the connection ends")
  func rejectedAndTaken() async throws {
    let harness = try ReactorHarness.recovering()
    _ = harness.write(offset: 0, .pattern(512))
    let command = try harness.command().unit
    tell(harness, expCmdSN: 51)
    harness.reject(.dataDigestError, command.header, statSN: 100)
    #expect(await harness.losses() == [.violation(.rejected(reason: 2))])
  }

  @Test("E08, E11: a missing R2T is asked for by number; both are served, what comes twice is not")
  func readyToTransfer() throws {
    let harness = try ReactorHarness.recovering {
      $0.immediateData = false
      $0.maxOutstandingR2T = 4
      $0.dataSequenceInOrder = false
    }
    let payload = [UInt8].pattern(1536)
    let unique = harness.write(offset: 0, payload)
    let task = try harness.command().view.header.initiatorTaskTag
    var received = [UInt8](repeating: 0, count: 1536)
    func take() throws {
      for unit in try everything(harness) {
        #expect(unit.header.opcode == .dataOut)
        let offset = Int(DataOut(unit.header).bufferOffset)
        received.replaceSubrange(offset..<offset + unit.data.count, with: unit.data)
      }
    }
    harness.sendR2T(task, transferTag: 1, r2tSN: 0, offset: 0, length: 512)
    try take()
    harness.sendR2T(task, transferTag: 3, r2tSN: 2, offset: 1024, length: 512)
    #expect(
      try harness.snack() == SNACKBytes(kind: 0, task: task.rawValue, begRun: 1, runLength: 1))
    try take()
    harness.sendR2T(task, transferTag: 3, r2tSN: 2, offset: 1024, length: 512)
    #expect(try harness.sent() == nil)
    harness.sendR2T(task, transferTag: 2, r2tSN: 1, offset: 512, length: 512)
    try take()
    #expect(received == payload)
    harness.send(harness.response(task, statSN: 100, expDataSN: 3))
    #expect(harness.reply() == .init(unique: unique, error: 0, payload: .accepted(1536)))
  }

  @Test("E08: GOOD for a write of which R2Ts are missing is no success")
  func missingR2T() throws {
    let harness = try ReactorHarness.recovering {
      $0.immediateData = false
      $0.maxOutstandingR2T = 4
      $0.dataSequenceInOrder = false
    }
    let unique = harness.write(offset: 0, .pattern(1024))
    let task = try harness.command().view.header.initiatorTaskTag
    harness.sendR2T(task, transferTag: 3, r2tSN: 1, offset: 0, length: 1024)
    _ = try harness.snack()
    _ = try everything(harness)
    harness.send(harness.response(task, statSN: 100, expDataSN: 2))
    #expect(harness.reply() == nil)
    let again = try harness.command().view
    #expect(again.header.initiatorTaskTag != task && again.isWrite)
    harness.sendR2T(
      again.header.initiatorTaskTag, transferTag: 4, r2tSN: 0, offset: 0, length: 1024)
    _ = try everything(harness)
    harness.send(harness.response(again.header.initiatorTaskTag, statSN: 101, expDataSN: 1))
    #expect(harness.reply() == .init(unique: unique, error: 0, payload: .accepted(1024)))
  }

  @Test("D13: data the target lost are sent again when it asks for them, from the same bytes")
  func dataAgain() throws {
    let harness = try ReactorHarness.recovering { $0.maxXmitDataSegmentLength = 512 }
    let payload = [UInt8].pattern(2048)
    let unique = harness.write(offset: 0, payload)
    let command = try harness.command()
    let task = command.view.header.initiatorTaskTag
    #expect(command.unit.data.count == 512)
    harness.sendR2T(task, transferTag: 1, r2tSN: 0, offset: 512, length: 1024)
    let first = try everything(harness)
    #expect(first.count == 2)
    harness.reject(.dataDigestError, first[1].header, statSN: 100)
    // What it lost together with what it never had.
    harness.sendR2T(task, transferTag: 2, r2tSN: 1, offset: 1024, length: 1024)
    let second = try everything(harness)
    #expect(second.flatMap(\.data) == Array(payload[1024...]))
    #expect(second.map { DataOut($0.header).dataSN } == [0, 1])
    #expect(second.allSatisfy { $0.header.targetTransferTag.rawValue == 2 })
    #expect(second.map(\.header.isFinal) == [false, true])
    harness.send(harness.response(task, statSN: 101, expDataSN: 2))
    #expect(harness.reply() == .init(unique: unique, error: 0, payload: .accepted(2048)))
  }
}
