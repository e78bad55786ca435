import ISCSI
import SCSI
import Testing
import Wire

@testable import Reactor

@Suite("A session's counters", .bothChannels, .timeLimit(.minutes(5)))
struct StatisticsTests {
  @Test("count each PDU once, under its opcode, when it has left or come whole")
  func kinds() async throws {
    var parameters = NegotiatedParameters()
    parameters.immediateData = false
    let harness = try ReactorHarness(parameters: parameters)
    _ = harness.read(offset: 0, size: 1024)
    let read = try harness.command().view.header.initiatorTaskTag
    harness.sendDataIn(read, .pattern(512), status: nil)
    harness.sendDataIn(read, .pattern(512), offset: 512, dataSN: 1)
    _ = harness.write(offset: 0, .pattern(1024))
    let write = try harness.command().view.header.initiatorTaskTag
    harness.sendR2T(write, transferTag: 1, r2tSN: 0, offset: 0, length: 1024)
    #expect(try harness.sent()?.header.opcode == .dataOut)
    harness.sendResponse(write)
    harness.send(
      NOPIn(
        targetTransferTag: TargetTransferTag(rawValue: 7), statSN: SerialNumber(rawValue: 0),
        expCmdSN: harness.window.exp, maxCmdSN: harness.window.max
      ).header)
    #expect(try harness.sent()?.header.opcode == .nopOut)
    let numbers = try #require(try await harness.statistics())
    let counted = (0..<64).map { Opcode(rawValue: $0) }.filter { numbers.pdus[$0] > 0 }
    #expect(
      counted == [
        .nopOut, .scsiCommand, .dataOut, .nopIn, .scsiResponse, .dataIn, .readyToTransfer,
      ])
    #expect(numbers.pdus[.scsiCommand] == 2 && numbers.pdus[.dataIn] == 2)
    #expect(
      [.nopOut, .dataOut, .nopIn, .scsiResponse, .readyToTransfer].allSatisfy {
        numbers.pdus[$0] == 1
      })
    // Two commands, a Data-Out with 1024 bytes and a NOP-Out; two Data-Ins, R2T, response, NOP-In.
    #expect(numbers.transmittedBytes == 4 * 48 + 1024)
    #expect(numbers.receivedBytes == 5 * 48 + 1024)
    #expect(numbers.digestErrors == 0 && numbers.timeouts == 0)
  }

  @Test("count a large Data-In once, however many pieces it comes in")
  func pieces() async throws {
    var parameters = NegotiatedParameters()
    parameters.maxRecvDataSegmentLength = 65_536
    let harness = try ReactorHarness(parameters: parameters)
    _ = harness.read(offset: 0, size: 65536)
    let task = try harness.command().view.header.initiatorTaskTag
    let bytes = ProtocolDataUnit(
      header: DataIn(
        initiatorTaskTag: task, isFinal: true, status: (.good, harness.nextStatSN(), .none),
        expCmdSN: harness.window.exp, maxCmdSN: harness.window.max, dataSN: 0, bufferOffset: 0
      ).header, data: .pattern(65536)
    ).encoded(headerDigest: false, dataDigest: false)
    for start in stride(from: 0, to: bytes.count, by: 20_000) {
      harness.send(Array(bytes[start..<min(start + 20_000, bytes.count)]))
    }
    #expect(harness.reply()?.payload == .pattern(65536))
    #expect(try await harness.statistics()?.pdus[.dataIn] == 1)
  }

  @Test("count the login's requests, and go on counting over a loss")
  func losses() async throws {
    let harness = try ReactorHarness()
    _ = harness.read(offset: 0, size: 512)
    _ = try harness.command()
    try harness.closeTarget()
    let header = [UInt8](repeating: 0, count: 48)
    harness.loginPDUs = (0..<6).map { LoginPDU(isSent: $0 % 2 == 0, bytes: header) }
    try harness.reconnect()
    _ = try harness.command()
    let numbers = try #require(try await harness.statistics())
    #expect(numbers.pdus[.scsiCommand] == 2)
    #expect(numbers.pdus[.loginRequest] == 3)
    #expect(numbers.timeouts == 0)
  }

  @Test("tell a wrong digest from a silent target")
  func errors() async throws {
    var parameters = NegotiatedParameters()
    parameters.headerDigest = true
    let harness = try ReactorHarness(parameters: parameters)
    harness.send([UInt8](repeating: 0x20, count: 1) + [UInt8](repeating: 0, count: 51))
    #expect(try await harness.statistics()?.digestErrors == 1)
    try harness.reconnect()
    harness.advance(milliseconds: 5_000)
    harness.advance(milliseconds: 5_000)
    let numbers = try #require(try await harness.statistics())
    #expect(numbers.digestErrors == 1 && numbers.timeouts == 1)
  }
}

extension ReactorHarness {
  /// What a person asking now is told of the session.
  func statistics() async throws -> SessionStatistics? {
    try await told({ .statistics(Self.session, $0) }, meanwhile: {})
  }
}
