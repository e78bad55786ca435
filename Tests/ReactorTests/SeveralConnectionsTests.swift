import ISCSI
import SCSI
import Testing
import Wire

@testable import Reactor

/// Several connections in a session, all of them well: who carries what.
@Suite("Several connections of a session", .bothChannels, .timeLimit(.minutes(5)))
struct SeveralConnectionsTests {
  /// A READ(16) of one block as it goes out, laid by hand (RFC 7143, 11.3; SBC-4, 5.18).
  private func readBytes(
    block: UInt8, tag: InitiatorTaskTag, cmdSN: UInt32, expStatSN: UInt32
  ) -> [UInt8] {
    var bytes: [UInt8] = [0x01, 0xC1, 0, 0, 0, 0, 0, 0]
    bytes.appendBigEndian(LogicalUnitNumber(number: 1).rawValue)
    bytes.appendBigEndian(tag.rawValue)
    bytes.appendBigEndian(512 as UInt32)
    bytes.appendBigEndian(cmdSN)
    bytes.appendBigEndian(expStatSN)
    bytes += [0x88, 0, 0, 0, 0, 0, 0, 0, 0, block, 0, 0, 0, 1, 0, 0]
    return bytes
  }

  @Test("M03 commands of all connections are numbered as one, statuses on each by itself")
  func numbers() throws {
    let harness = try ReactorHarness()
    let other = try FurtherConnection(harness)
    let uniques = (0..<4).map { harness.read(offset: UInt64($0) * 512, size: 512) }
    var units = [try #require(try harness.sent()), try #require(try other.sent())]
    units += [try #require(try harness.sent()), try #require(try other.sent())]
    for (index, unit) in units.enumerated() {
      #expect(
        ProtocolDataUnit(header: unit.header).encoded()
          == readBytes(
            block: UInt8(index), tag: unit.header.initiatorTaskTag, cmdSN: 50 + UInt32(index),
            expStatSN: index % 2 == 0 ? 100 : 500))
    }
    // Answered in another order than numbered; each connection counts its own statuses.
    other.sendDataIn(units[3].header.initiatorTaskTag, .pattern(512, from: 3))
    harness.sendDataIn(units[0].header.initiatorTaskTag, .pattern(512))
    other.sendDataIn(units[1].header.initiatorTaskTag, .pattern(512, from: 1))
    for index in [3, 0, 1] {
      #expect(
        harness.reply()
          == .init(unique: uniques[index], error: 0, payload: .pattern(512, from: index)))
    }
    for _ in 0..<2 { _ = harness.read(offset: 0, size: 512) }
    let (first, second) = (try other.command().header, try harness.command().view.header)
    #expect(first.cmdSN.rawValue == 54 && first.expStatSN.rawValue == 502)
    #expect(second.cmdSN.rawValue == 55 && second.expStatSN.rawValue == 101)
    #expect(harness.sessionState == .up)
  }

  @Test("M04 Data-Out goes where its command went, and only that connection's R2T asks for it")
  func allegiance() async throws {
    var parameters = NegotiatedParameters()
    (parameters.immediateData, parameters.initialR2T) = (false, true)
    let harness = try ReactorHarness(parameters: parameters)
    let other = try FurtherConnection(harness)
    _ = harness.write(offset: 0, .pattern(512))
    let unique = harness.write(offset: 4096, .pattern(1024))
    let first = try harness.command().view.header
    let second = try other.command().header
    other.sendR2T(second.initiatorTaskTag, transferTag: 7, offset: 0, length: 1024)
    let data = try #require(try other.sent())
    #expect(data.header.opcode == .dataOut && data.data == .pattern(1024))
    #expect(data.header.targetTransferTag.rawValue == 7)
    #expect(data.header.initiatorTaskTag == second.initiatorTaskTag)
    #expect(data.header.expStatSN.rawValue == FurtherConnection.firstStatSN)
    #expect(try harness.sent() == nil)
    other.sendResponse(second.initiatorTaskTag)
    #expect(harness.reply() == .init(unique: unique, error: 0, payload: .accepted(1024)))

    other.sendR2T(first.initiatorTaskTag, transferTag: 8, offset: 0, length: 512)
    #expect(harness.sessionState == .lost && other.isClosed)
    #expect(
      await harness.events() == [
        .sessionLost(
          ReactorHarness.session,
          .violation(.unknownTask(.readyToTransfer, first.initiatorTaskTag)))
      ])
  }

  @Test("M04 a status or data on another connection than the command's end the session")
  func foreignAnswers() async throws {
    for answersByData in [true, false] {
      let harness = try ReactorHarness()
      let other = try FurtherConnection(harness)
      _ = harness.read(offset: 0, size: 512)
      let task = try harness.command().view.header.initiatorTaskTag
      if answersByData {
        other.sendDataIn(task, .pattern(512))
      } else {
        other.sendResponse(task)
      }
      #expect(harness.reply() == nil && harness.sessionState == .lost && other.isClosed)
      let opcode: Opcode = answersByData ? .dataIn : .scsiResponse
      #expect(
        await harness.events() == [
          .sessionLost(ReactorHarness.session, .violation(.unknownTask(opcode, task)))
        ])
    }
  }

  @Test("M04 what is missing is asked for on the connection it is missing from")
  func snacks() throws {
    let harness = try ReactorHarness.recovering()
    let other = try FurtherConnection(harness)
    _ = harness.read(offset: 0, size: 512)
    _ = harness.read(offset: 512, size: 512)
    _ = try harness.command()
    let task = try other.command().header.initiatorTaskTag
    // StatSN 500 was another status of this connection's.
    _ = other.nextStatSN()
    other.sendDataIn(task, .pattern(512))
    let snack = try #require(try other.sent())
    #expect(
      SNACKBytes(bytes: ProtocolDataUnit(header: snack.header).encoded())
        == SNACKBytes(kind: 1, expStatSN: 500, begRun: 500, runLength: 1))
    #expect(try harness.sent() == nil)
  }

  @Test("M05 any connection opens the window, none closes it by an older PDU")
  func window() throws {
    let harness = try ReactorHarness()
    let other = try FurtherConnection(harness)
    for _ in 0..<13 { _ = harness.read(offset: 0, size: 512) }
    var numbers: [UInt32] = []
    func take() throws {
      while let unit = try harness.sent() { numbers.append(unit.header.cmdSN.rawValue) }
      while let unit = try other.sent() { numbers.append(unit.header.cmdSN.rawValue) }
    }
    try take()
    #expect(numbers.sorted() == Array(50...60))
    other.tell(expCmdSN: 55, maxCmdSN: 61)
    try take()
    #expect(numbers.count == 12 && numbers.max() == 61)
    // An older PDU that comes later on the first connection.
    harness.send(
      NOPIn(
        statSN: harness.comingStatSN, expCmdSN: SerialNumber(rawValue: 52),
        maxCmdSN: SerialNumber(rawValue: 58)
      ).header)
    #expect(harness.commandWindow.maxCmdSN.rawValue == 61)
    #expect(harness.commandWindow.expCmdSN.rawValue == 55)
    try take()
    #expect(numbers.count == 12)
    harness.send(
      NOPIn(
        statSN: harness.comingStatSN, expCmdSN: SerialNumber(rawValue: 56),
        maxCmdSN: SerialNumber(rawValue: 62)
      ).header)
    try take()
    #expect(numbers.sorted() == Array(50...62))
  }

  @Test("M09 ABORT TASK goes where its task went, and its response comes there")
  func abortTask() async throws {
    let harness = try ReactorHarness()
    let other = try FurtherConnection(harness)
    _ = harness.read(offset: 0, size: 512)
    let unique = harness.read(offset: 512, size: 512)
    _ = try harness.command()
    let task = try other.command().header
    let request = TaskManagement(
      session: ReactorHarness.session, function: .abortTask, task: task.initiatorTaskTag)
    let outcome: TaskManagementOutcome = try await harness.told(
      { .manage(request, $0) },
      meanwhile: {
        let elsewhere = try harness.sent()
        #expect(elsewhere == nil)
        let unit = try #require(try other.sent())
        var bytes: [UInt8] = [0x42, 0x81, 0, 0, 0, 0, 0, 0]
        bytes.appendBigEndian(LogicalUnitNumber(number: 1).rawValue)
        bytes.appendBigEndian(unit.header.initiatorTaskTag.rawValue)
        bytes.appendBigEndian(task.initiatorTaskTag.rawValue)
        // CmdSN of the next command, ExpStatSN of this connection, RefCmdSN, ExpDataSN.
        for number: UInt32 in [52, 500, 51, 0] { bytes.appendBigEndian(number) }
        bytes.appendBigEndian(0 as UInt64)
        #expect(ProtocolDataUnit(header: unit.header).encoded() == bytes)
        other.send(
          TaskManagementResponse(
            response: .functionComplete, initiatorTaskTag: unit.header.initiatorTaskTag,
            statSN: other.nextStatSN(), expCmdSN: harness.window.exp,
            maxCmdSN: harness.window.max
          ).header)
      })
    #expect(outcome == .complete)
    #expect(harness.reply()?.unique == unique && harness.sessionState == .up)
  }

  @Test("M11, D16 digests and segment lengths are each connection's own")
  func parameters() throws {
    var leading = NegotiatedParameters()
    (leading.headerDigest, leading.dataDigest) = (true, true)
    leading.maxXmitDataSegmentLength = 65_536
    let harness = try ReactorHarness(parameters: leading)
    var further = leading
    (further.headerDigest, further.dataDigest) = (false, false)
    further.maxXmitDataSegmentLength = 512
    let other = try FurtherConnection(harness, parameters: further)
    let uniques = (0..<2).map { harness.write(offset: $0 * 4096, .pattern(2048)) }
    // The assemblers of both ends check, or miss, the digests.
    let first = try #require(try harness.sent())
    let second = try #require(try other.sent())
    #expect(first.data == .pattern(2048) && second.data == .pattern(512))
    other.sendR2T(
      second.header.initiatorTaskTag, transferTag: 3, offset: 512, length: 1536)
    for offset in [512, 1024, 1536] {
      let data = try #require(try other.sent())
      #expect(data.data == .pattern(512, from: offset))
    }
    harness.sendResponse(first.header.initiatorTaskTag)
    other.sendResponse(second.header.initiatorTaskTag)
    for unique in uniques {
      #expect(harness.reply() == .init(unique: unique, error: 0, payload: .accepted(2048)))
    }
  }
}
