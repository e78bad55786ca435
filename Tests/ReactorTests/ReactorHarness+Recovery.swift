import ISCSI
import SCSI
import Testing
import Wire

@testable import Reactor

/// The target of a session that agreed on ErrorRecoveryLevel 1.
extension ReactorHarness {
  static func recovering(
    dataDigest: Bool = false, timeouts: SessionTimeouts = SessionTimeouts(),
    _ change: (inout NegotiatedParameters) -> Void = { _ in }
  ) throws -> ReactorHarness {
    var parameters = NegotiatedParameters()
    parameters.errorRecoveryLevel = 1
    parameters.dataDigest = dataDigest
    parameters.maxRecvDataSegmentLength = 65_536
    change(&parameters)
    return try ReactorHarness(parameters: parameters, timeouts: timeouts)
  }

  static func serial(_ number: UInt32) -> SerialNumber { SerialNumber(rawValue: number) }

  /// A Data-In whose numbers the test chooses; the StatSN makes it one with status.
  func dataIn(
    _ task: InitiatorTaskTag, _ dataSN: UInt32, _ data: [UInt8], offset: UInt32,
    isFinal: Bool = false, statSN: UInt32? = nil, acknowledgedBy tag: UInt32? = nil
  ) -> ProtocolDataUnit {
    var header = DataIn(
      initiatorTaskTag: task,
      targetTransferTag: tag.map(TargetTransferTag.init(rawValue:)) ?? .reserved,
      isFinal: isFinal || statSN != nil, requestsAcknowledgement: tag != nil,
      status: statSN.map { (.good, Self.serial($0), .none) }, expCmdSN: window.exp,
      maxCmdSN: window.max, dataSN: dataSN, bufferOffset: offset
    ).header
    // A LUN is there where the A bit is (RFC 7143, 11.7.4).
    if tag != nil { header.word1 = LogicalUnitNumber(number: 1).rawValue }
    return ProtocolDataUnit(header: header, data: data)
  }

  func send(_ unit: ProtocolDataUnit, damaged: Bool = false) {
    var bytes = unit.encoded(
      headerDigest: parameters.headerDigest, dataDigest: parameters.dataDigest)
    if damaged { bytes[BasicHeaderSegment.byteCount + 3] ^= 0x40 }
    send(bytes)
  }

  /// A SCSI Response whose StatSN the test chooses, with sense data behind their length where there
  /// are any.
  func response(
    _ task: InitiatorTaskTag, statSN: UInt32, status: SCSIStatus = .good, expDataSN: UInt32 = 0,
    expCmdSN: UInt32? = nil, snackTag: UInt32 = 0, sense: [UInt8] = []
  ) -> ProtocolDataUnit {
    var unit = ProtocolDataUnit(
      header: SCSIResponse(
        initiatorTaskTag: task, status: status, snackTag: snackTag, statSN: Self.serial(statSN),
        expCmdSN: expCmdSN.map(Self.serial) ?? window.exp, maxCmdSN: window.max,
        expDataSN: expDataSN
      ).header)
    guard !sense.isEmpty else { return unit }
    unit.data.appendBigEndian(UInt16(sense.count))
    unit.data += sense
    unit.header.dataSegmentLength = unit.data.count
    return unit
  }

  func reject(_ reason: Reject.Reason, _ rejected: BasicHeaderSegment, statSN: UInt32) {
    send(
      Reject(
        reason: reason, statSN: Self.serial(statSN), expCmdSN: window.exp, maxCmdSN: window.max
      ).header, data: ProtocolDataUnit(header: rejected).encoded())
  }

  /// The bytes of the next PDU sent, which is a SNACK Request.
  func snack() throws -> SNACKBytes {
    let unit = try #require(try sent())
    #expect(unit.data.isEmpty && unit.additionalHeader.isEmpty)
    return SNACKBytes(bytes: ProtocolDataUnit(header: unit.header).encoded())
  }

  /// The ExpStatSN of a ping to which a NOP-In of the target's, without a number, makes it answer.
  func acknowledgedStatSN() throws -> UInt32 {
    send(
      NOPIn(
        initiatorTaskTag: .reserved, targetTransferTag: .init(rawValue: 77),
        statSN: reactor.connections[5].machine.expStatSN, expCmdSN: window.exp,
        maxCmdSN: window.max
      ).header)
    let answer = try #require(try sent())
    #expect(answer.header.opcode == .nopOut)
    return answer.header.expStatSN.rawValue
  }
}

/// A SNACK Request as RFC 7143, 11.16, lays it out; iscsi_proto.h of open-iscsi has the same.
struct SNACKBytes: Equatable, CustomStringConvertible {
  var bytes: [UInt8]

  init(bytes: [UInt8]) { self.bytes = bytes }

  /// - Parameter kind: 0 Data or R2T, 1 status, 2 DataACK, 3 R-Data.
  init(
    kind: UInt8, lun: UInt64 = 0, task: UInt32 = .max, transferTag: UInt32 = .max,
    expStatSN: UInt32 = 100, begRun: UInt32, runLength: UInt32
  ) {
    bytes = [0x10, 0x80 | kind, 0, 0, 0, 0, 0, 0]
    bytes.appendBigEndian(lun)
    bytes.appendBigEndian(task)
    bytes.appendBigEndian(transferTag)
    bytes.appendBigEndian(0 as UInt32)
    bytes.appendBigEndian(expStatSN)
    bytes.appendBigEndian(0 as UInt64)
    bytes.appendBigEndian(begRun)
    bytes.appendBigEndian(runLength)
  }

  var description: String { bytes.map { String($0, radix: 16) }.joined(separator: " ") }
}
