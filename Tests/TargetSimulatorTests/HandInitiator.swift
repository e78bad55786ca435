import ISCSI
import SCSI
import Wire

@testable import TargetSimulator

/// An initiator a test plays by hand against one pure connection.
struct HandInitiator {
  let connection: TargetConnection
  var cmdSN = SerialNumber(rawValue: 7)
  var tag: UInt32 = 100
  var now: UInt64 = 0
  /// Actions other than sends, in order.
  var endings: [ConnectionAction] = []
  var assembler = PDUAssembler(maximumDataSegmentLength: 1 << 24 - 1)

  init(_ portal: SimulatedPortal) {
    connection = portal.connect()
  }

  /// Sends a PDU and returns those that come back.
  mutating func exchange(
    _ header: BasicHeaderSegment, additionalHeader: [UInt8] = [], data: [UInt8] = []
  ) throws -> [ProtocolDataUnit] {
    let unit = ProtocolDataUnit(header: header, additionalHeader: additionalHeader, data: data)
    let bytes = unit.encoded(
      headerDigest: assembler.headerDigest, dataDigest: assembler.dataDigest)
    return try answers(to: connection.receive(bytes, at: now))
  }

  mutating func answers(to actions: [ConnectionAction]) throws -> [ProtocolDataUnit] {
    for action in actions {
      if case .send(let bytes) = action { assembler.append(bytes) } else { endings.append(action) }
    }
    var units: [ProtocolDataUnit] = []
    while let unit = try assembler.next() { units.append(unit) }
    return units
  }

  /// One login request to full feature phase with `keys`, and its answer.
  mutating func login(
    _ target: String?, keys: [(String, String)] = [], stage: LoginStage = .operationalNegotiation,
    next: LoginStage? = .fullFeaturePhase, isid: UInt64 = 0x8000_0000_0001, name: String? = nil,
    tsih: UInt16 = 0, connectionID: UInt16 = 0
  ) throws -> (response: LoginResponse, text: KeyValueText) {
    var text = KeyValueText([("InitiatorName", name ?? "iqn.2026-01.org.example:hand")])
    if let target {
      text.append("TargetName", target)
    } else {
      text.append("SessionType", "Discovery")
    }
    for key in keys { text.append(key.0, key.1) }
    return try loginStep(
      text, stage: stage, next: next, isid: isid, tsih: tsih, connectionID: connectionID)
  }

  mutating func loginStep(
    _ text: KeyValueText, stage: LoginStage, next: LoginStage?,
    isid: UInt64 = 0x8000_0000_0001, tsih: UInt16 = 0, connectionID: UInt16 = 0
  ) throws -> (response: LoginResponse, text: KeyValueText) {
    let request = LoginRequest(
      current: stage, next: next, isid: ISID(rawValue: isid), tsih: tsih,
      initiatorTaskTag: InitiatorTaskTag(rawValue: 1), connectionID: connectionID, cmdSN: cmdSN,
      expStatSN: SerialNumber(rawValue: 0))
    let units = try exchange(request.header, data: text.encoded)
    let unit = units.first ?? ProtocolDataUnit(header: BasicHeaderSegment(opcode: .reject))
    assembler.headerDigest = connection.negotiated.headerDigest && connection.session != nil
    assembler.dataDigest = connection.negotiated.dataDigest && connection.session != nil
    return (LoginResponse(unit.header), KeyValueText(parsing: unit.data) ?? KeyValueText())
  }

  /// Sends a command with the next CmdSN and tag.
  ///
  /// - Parameter additionalHeader: where the CDB's bytes behind the sixteenth are.
  mutating func command(
    _ cdb: [UInt8], additionalHeader: [UInt8] = [], lun: UInt64 = 0, read: UInt32 = 0,
    write: UInt32 = 0, immediate: [UInt8] = [], isFinal: Bool = true
  ) throws -> [ProtocolDataUnit] {
    let padded = cdb + [UInt8](repeating: 0, count: 16 - cdb.count)
    var header = BasicHeaderSegment(
      opcode: .scsiCommand,
      flags: (isFinal ? 0x80 : 0) | (read > 0 ? 0x40 : 0) | (write > 0 ? 0x20 : 0) | 1)
    header.word1 = lun
    tag += 1
    header.word2 = UInt64(tag) << 32 | UInt64(max(read, write))
    header.cmdSN = cmdSN
    cmdSN = cmdSN.successor
    header.word4 = CommandBytes(padded).number(at: 0, count: 8)
    header.word5 = CommandBytes(padded).number(at: 8, count: 8)
    return try exchange(header, additionalHeader: additionalHeader, data: immediate)
  }

  /// Answers an R2T in segments of `size`.
  mutating func answer(
    _ r2t: ProtocolDataUnit, with data: [UInt8], segment size: Int = 1 << 18
  ) throws -> [ProtocolDataUnit] {
    let request = ReadyToTransfer(r2t.header)
    let start = Int(request.bufferOffset)
    let end = start + Int(request.desiredDataTransferLength)
    var units: [ProtocolDataUnit] = []
    for (dataSN, offset) in stride(from: start, to: end, by: size).enumerated() {
      let upper = min(offset + size, end)
      let header = DataOut(
        logicalUnit: LogicalUnitNumber(rawValue: r2t.header.word1),
        initiatorTaskTag: r2t.header.initiatorTaskTag,
        targetTransferTag: r2t.header.targetTransferTag, expStatSN: SerialNumber(rawValue: 0),
        dataSN: UInt32(dataSN), bufferOffset: UInt32(offset), length: upper - offset,
        isFinal: upper == end
      ).header
      units += try exchange(header, data: Array(data[offset..<upper]))
    }
    return units
  }
}

/// What the tests below serve.
enum Fixture {
  static let name = "iqn.2026-01.org.example:disk"

  /// One target with a disk of 8192 blocks of 512 bytes at LUN 0.
  static func portal(
    _ change: (inout TargetParameters) -> Void = { _ in }
  ) -> SimulatedPortal {
    var parameters = TargetParameters()
    change(&parameters)
    let target = SimulatedTarget(name: name, parameters: parameters)
    target.add(SimulatedLogicalUnit(.init(blockCount: 8192)), lun: 0)
    return SimulatedPortal(targets: [target])
  }

  static func read10(_ lba: UInt8, _ blocks: UInt8) -> [UInt8] {
    [0x28, 0, 0, 0, 0, lba, 0, 0, blocks, 0]
  }

  static func write10(_ lba: UInt8, _ blocks: UInt8) -> [UInt8] {
    [0x2A, 0, 0, 0, 0, lba, 0, 0, blocks, 0]
  }
}
