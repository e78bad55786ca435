import Glibc
import ISCSI
import SCSI
import Testing
import Wire

@testable import Reactor

/// DataPDUInOrder=No, DataSequenceInOrder=No and many R2Ts at once (RFC 7143, 13.17 to 13.19).
@Suite("Data in any order", .bothChannels, .timeLimit(.minutes(5)))
struct OrderTests {
  private static func parameters(digests: Bool = false) -> NegotiatedParameters {
    var parameters = NegotiatedParameters()
    parameters.dataPDUInOrder = false
    parameters.dataSequenceInOrder = false
    parameters.maxRecvDataSegmentLength = 65_536
    parameters.maxOutstandingR2T = 64
    parameters.immediateData = false
    parameters.headerDigest = digests
    parameters.dataDigest = digests
    return parameters
  }

  @Test("a read's Data-In land where they belong, small, large and cut", arguments: [false, true])
  func reads(digests: Bool) throws {
    let harness = try ReactorHarness(parameters: Self.parameters(digests: digests))
    let data = [UInt8].pattern(131_072)
    let unique = harness.read(offset: 0, size: UInt32(data.count))
    let task = try harness.command().view.header.initiatorTaskTag
    var pieces: [Range<Int>] = []
    for length in [512, 16_384, 3, 40_001, 509, 20_000, 1, 16_383] {
      let start = pieces.last?.upperBound ?? 0
      pieces.append(start..<start + length)
    }
    pieces.append((pieces.last?.upperBound ?? 0)..<data.count)
    let order = [7, 2, 8, 0, 5, 3, 6, 1, 4]
    for (dataSN, index) in order.enumerated() {
      let piece = pieces[index]
      let isLast = dataSN == order.count - 1
      let bytes = ProtocolDataUnit(
        header: DataIn(
          initiatorTaskTag: task, isFinal: isLast,
          status: isLast ? (.good, harness.nextStatSN(), .none) : nil,
          expCmdSN: harness.window.exp, maxCmdSN: harness.window.max, dataSN: UInt32(dataSN),
          bufferOffset: UInt32(piece.lowerBound)
        ).header, data: Array(data[piece])
      ).encoded(headerDigest: digests, dataDigest: digests)
      #expect(harness.reply() == nil)
      harness.send(Array(bytes[..<(bytes.count / 2)]))
      harness.send(Array(bytes[(bytes.count / 2)...]))
    }
    #expect(harness.reply() == .init(unique: unique, error: 0, payload: data))
  }

  @Test("H21: Data-In that overlap lose the session, though both came in order of DataSN")
  func overlap() async throws {
    let harness = try ReactorHarness(parameters: Self.parameters())
    _ = harness.read(offset: 0, size: 1024)
    let task = try harness.command().view.header.initiatorTaskTag
    harness.sendDataIn(task, .pattern(512), offset: 512, status: nil)
    harness.sendDataIn(task, .pattern(512, from: 7), offset: 256, dataSN: 1)
    #expect(harness.reply() == nil)
    #expect(
      await harness.events() == [
        .sessionLost(
          ReactorHarness.session, .violation(.overlap(.dataIn, offset: 256, length: 512)))
      ])
  }

  @Test("H20: Data-In beyond the transfer lose the session in any order")
  func beyond() async throws {
    let harness = try ReactorHarness(parameters: Self.parameters())
    _ = harness.read(offset: 0, size: 1024)
    let task = try harness.command().view.header.initiatorTaskTag
    harness.sendDataIn(task, .pattern(512), offset: 0xFFFF_FF00)
    #expect(
      await harness.events() == [
        .sessionLost(
          ReactorHarness.session,
          .violation(.dataBeyondTransfer(offset: 0xFFFF_FF00, length: 512, expected: 1024)))
      ])
  }

  @Test("H22: GOOD over a gap is tried again, then EIO, never what lay in the pages")
  func gap() throws {
    let harness = try ReactorHarness(parameters: Self.parameters())
    let unique = harness.read(offset: 0, size: 1536)
    for _ in 0..<6 {
      let task = try harness.command().view.header.initiatorTaskTag
      harness.sendDataIn(task, .pattern(512), offset: 1024, status: nil)
      harness.sendDataIn(task, .pattern(512), offset: 0, dataSN: 1)
    }
    #expect(harness.reply() == .init(unique: unique, error: -EIO, payload: []))
  }

  @Test("F12.3: R2Ts at 3072, 2048, 1024 and 0 with one tag get their data in that order")
  func readyToTransfer() throws {
    var parameters = Self.parameters()
    parameters.maxXmitDataSegmentLength = 512
    let harness = try ReactorHarness(parameters: parameters)
    let payload = [UInt8].pattern(4096)
    let unique = harness.write(offset: 0, payload)
    let task = try harness.command().view.header.initiatorTaskTag
    let offsets: [UInt32] = [3072, 2048, 1024, 0]
    harness.sendReadyToTransfer(task, offsets.map { (0xABBA, $0, 1024) })
    for offset in offsets {
      for part: UInt32 in 0..<2 {
        let unit = try #require(try harness.sent())
        let dataOut = DataOut(unit.header)
        let start = offset + part * 512
        #expect(dataOut.bufferOffset == start && dataOut.dataSN == part)
        #expect(unit.header.targetTransferTag.rawValue == 0xABBA)
        #expect(unit.header.isFinal == (part == 1))
        #expect(unit.data == Array(payload[Int(start)..<Int(start) + 512]))
      }
    }
    harness.sendResponse(task)
    #expect(harness.reply() == .init(unique: unique, error: 0, payload: .accepted(4096)))
  }

  @Test("H29: an R2T that overlaps another's range loses the session in any order")
  func overlappingReadyToTransfer() async throws {
    let harness = try ReactorHarness(parameters: Self.parameters())
    _ = harness.write(offset: 0, .pattern(4096))
    let task = try harness.command().view.header.initiatorTaskTag
    harness.sendReadyToTransfer(task, [(1, 2048, 1024), (2, 1024, 1025)])
    #expect(
      await harness.events() == [
        .sessionLost(
          ReactorHarness.session,
          .violation(.overlap(.readyToTransfer, offset: 1024, length: 1025)))
      ])
  }

  @Test("64 R2Ts at once are held and served in order; H28: one more loses the session")
  func outstanding() async throws {
    let harness = try ReactorHarness(parameters: Self.parameters())
    let payload = [UInt8].pattern(65 * 512)
    _ = harness.write(offset: 0, payload)
    let task = try harness.command().view.header.initiatorTaskTag
    let asked = (0..<65).map { (UInt32($0), UInt32($0) * 512, UInt32(512)) }
    harness.sendReadyToTransfer(task, Array(asked[..<64]))
    for index in 0..<64 {
      let unit = try #require(try harness.sent())
      #expect(unit.header.targetTransferTag.rawValue == UInt32(index) && unit.header.isFinal)
      #expect(unit.data == Array(payload[index * 512..<index * 512 + 512]))
    }
    try harness.reconnect()
    let again = try harness.command().view.header.initiatorTaskTag
    harness.sendReadyToTransfer(again, asked)
    #expect(
      await harness.events() == [
        .sessionLost(ReactorHarness.session, .connectionClosed),
        .sessionLost(
          ReactorHarness.session, .violation(.tooManyReadyToTransfer(limit: 64))),
      ])
  }

  @Test("F12.4: of two writes the one whose R2T came first is served first")
  func twoWrites() throws {
    let harness = try ReactorHarness(parameters: Self.parameters())
    _ = harness.write(offset: 0, .pattern(1024))
    _ = harness.write(offset: 4096, .pattern(1024, from: 9))
    let first = try harness.command().view.header.initiatorTaskTag
    let second = try harness.command().view.header.initiatorTaskTag
    let asked = [(second, UInt32(0)), (first, 0), (second, 512), (first, 512)].enumerated().map {
      harness.readyToTransfer(
        $0.element.0, transferTag: UInt32($0.offset), r2tSN: $0.element.1 / 512,
        offset: $0.element.1, length: 512)
    }
    harness.send(asked.flatMap { ProtocolDataUnit(header: $0).encoded() })
    for (index, task) in [second, first, second, first].enumerated() {
      let unit = try #require(try harness.sent())
      #expect(unit.header.initiatorTaskTag == task)
      #expect(unit.header.targetTransferTag.rawValue == UInt32(index))
      let start = index < 2 ? 0 : 512
      #expect(unit.data == .pattern(512, from: (task == second ? 9 : 0) + start))
    }
  }
}

extension ReactorHarness {
  func readyToTransfer(
    _ task: InitiatorTaskTag, transferTag: UInt32, r2tSN: UInt32, offset: UInt32, length: UInt32
  ) -> BasicHeaderSegment {
    ReadyToTransfer(
      logicalUnit: LogicalUnitNumber(number: 1), initiatorTaskTag: task,
      targetTransferTag: TargetTransferTag(rawValue: transferTag), statSN: comingStatSN,
      expCmdSN: window.exp, maxCmdSN: window.max, r2tSN: r2tSN, bufferOffset: offset,
      desiredDataTransferLength: length
    ).header
  }

  /// Sends R2Ts (tag, offset, length) of one task at once, numbered from 0.
  func sendReadyToTransfer(_ task: InitiatorTaskTag, _ asked: [(UInt32, UInt32, UInt32)]) {
    send(
      asked.enumerated().flatMap { index, asked in
        ProtocolDataUnit(
          header: readyToTransfer(
            task, transferTag: asked.0, r2tSN: UInt32(index), offset: asked.1, length: asked.2)
        ).encoded()
      })
  }
}
