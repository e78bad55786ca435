import ISCSI
import SCSI
import Wire

/// Full feature phase: the numbers of a session and the data of one task, beside sets of its bytes.
///
/// Input: direction, order and what else was negotiated, the length of the transfer, then
/// operations.
enum TransferProperties {
  /// What is not wide, so that a few operations make a whole transfer.
  private static let narrowLimit: UInt32 = 4_096
  static let operationLimit = 512

  static func check(_ bytes: [UInt8]) throws(Disagreement) {
    var input = FuzzInput(bytes)
    let choice = input.byte()
    var parameters = NegotiatedParameters()
    parameters.immediateData = choice & 0x02 != 0
    parameters.initialR2T = choice & 0x04 != 0
    let isWide = choice & 0x08 != 0
    let expectedLength = isWide ? input.number32() : UInt32(input.number16()) % (narrowLimit + 1)
    parameters.maxBurstLength = 1 + (isWide ? input.number32() >> 8 : UInt32(input.number16() >> 4))
    parameters.firstBurstLength = min(parameters.maxBurstLength, 1 + UInt32(input.number16()))
    parameters.maxXmitDataSegmentLength = 1 + UInt32(input.number16() >> 4)
    parameters.maxOutstandingR2T = 1 + UInt32(input.byte() % 80)
    parameters.dataPDUInOrder = choice & 0x20 == 0
    parameters.dataSequenceInOrder = choice & 0x40 == 0
    try SessionNumbersProperties.check(parameters: parameters, &input)
    let direction: TransferState.Direction =
      choice & 0x10 != 0 ? .none : choice & 1 == 0 ? .read : .write
    switch direction {
    case .none: try checkNone(expectedLength, parameters, &input)
    case .read: try checkRead(expectedLength, parameters, &input)
    case .write: try checkWrite(expectedLength, parameters, &input)
    }
  }

  private static func checkNone(
    _ expectedLength: UInt32, _ parameters: NegotiatedParameters, _ input: inout FuzzInput
  ) throws(Disagreement) {
    var transfer = TransferState(direction: .none, expectedLength: expectedLength)
    var record = TransferRecord()
    let dataIn = dataIn(dataSN: 0, offset: 0, length: input.number16())
    try hold(
      (try? transfer.receive(dataIn, parameters: parameters, record: &record)) == nil,
      "a task without data takes no Data-In")
    let request = readyToTransfer(r2tSN: 0, tag: 1, offset: 0, length: 1)
    try hold(
      (try? transfer.receive(request, parameters: parameters, record: &record)) == nil,
      "a task without data takes no R2T")
    try hold(transfer.isWhole && !transfer.hasBurst, "a task without data is whole")
  }

  // MARK: - Reads

  private static func checkRead(
    _ expectedLength: UInt32, _ parameters: NegotiatedParameters, _ input: inout FuzzInput
  ) throws(Disagreement) {
    var transfer = TransferState(direction: .read, expectedLength: expectedLength)
    var record = TransferRecord()
    var model = ReadModel(expectedLength: Int(expectedLength), order: DataOrder(parameters))
    for _ in 0..<operationLimit where !input.isEmpty {
      let choice = input.byte()
      if choice == 0xFF {
        let request = readyToTransfer(r2tSN: 0, tag: 1, offset: 0, length: 1)
        try hold(
          (try? transfer.receive(request, parameters: parameters, record: &record)) == nil,
          "a read takes no R2T")
        return
      }
      if choice & 0x10 != 0 {
        let count = input.near(UInt32(model.pduCount))
        try agree(
          transfer.lacks(expDataSN: count), Int(count) > model.pduCount, "Data-In are missing")
      }
      guard try take(choice, &transfer, &record, &model, parameters, &input) else { return }
      try agree(Int(transfer.receivedLength), model.arrived.firstMissing, "bytes received")
      try agree(transfer.isWhole, model.isWhole, "a read is whole when every byte has come")
    }
  }

  /// A Data-In, mostly legal; false when the transfer refused it.
  private static func take(
    _ choice: UInt8, _ transfer: inout TransferState, _ record: inout TransferRecord,
    _ model: inout ReadModel, _ parameters: NegotiatedParameters, _ input: inout FuzzInput
  ) throws(Disagreement) -> Bool {
    let isFinal = choice & 0x08 != 0
    let dataSN = input.near(UInt32(model.pduCount))
    let offset = place(
      choice, in: model.arrived, lastEnd: model.lastEnd, expectedLength: model.expectedLength,
      &input)
    var length = Int(input.number16() >> 4)
    if choice & 0x04 != 0 {
      length = min(length, model.arrived.room(at: Int(offset), end: model.expectedLength))
    }
    let isLegal = model.takes(dataSN: dataSN, offset: offset, length: length, isFinal: isFinal)
    let data = dataIn(dataSN: dataSN, offset: offset, length: UInt16(length), isFinal: isFinal)
    let violation: ProtocolViolation?
    do throws(ProtocolViolation) {
      try transfer.receive(data, parameters: parameters, record: &record)
      violation = nil
    } catch { violation = error }
    guard let violation else {
      try hold(isLegal, "Data-In \(dataSN) of \(length) at \(offset) is taken against the set")
      model.receive(offset: offset, length: length, isFinal: isFinal)
      return true
    }
    try holdSentence(violation.sentence, of: "a violation")
    try hold(!isLegal, "Data-In \(dataSN) of \(length) at \(offset): \(violation.sentence)")
    return false
  }

  /// Somewhere for data to begin: at the first byte missing, behind the last data, behind any, or
  /// anywhere.
  static func place(
    _ choice: UInt8, in bytes: ByteSet, lastEnd: Int, expectedLength: Int, _ input: inout FuzzInput
  ) -> UInt32 {
    switch choice & 0x03 {
    case 0: return input.near(UInt32(bytes.firstMissing))
    case 1: return input.near(UInt32(lastEnd))
    case 2:
      let runs = bytes.runs
      return runs.isEmpty ? 0 : UInt32(runs[Int(input.byte()) % runs.count].upperBound)
    default: return UInt32(Int(input.number32()) % (expectedLength + 1))
    }
  }

  // MARK: - PDUs

  static func dataIn(
    dataSN: UInt32, offset: UInt32, length: UInt16, isFinal: Bool = false
  ) -> DataIn {
    var view = DataIn(
      initiatorTaskTag: InitiatorTaskTag(rawValue: 7), isFinal: isFinal,
      expCmdSN: SerialNumber(rawValue: 1), maxCmdSN: SerialNumber(rawValue: 1), dataSN: dataSN,
      bufferOffset: offset)
    view.header.dataSegmentLength = Int(length)
    return view
  }

  static func readyToTransfer(
    r2tSN: UInt32, tag: UInt32, offset: UInt32, length: UInt32
  ) -> ReadyToTransfer {
    ReadyToTransfer(
      logicalUnit: .zero, initiatorTaskTag: InitiatorTaskTag(rawValue: 7),
      targetTransferTag: TargetTransferTag(rawValue: tag), statSN: SerialNumber(rawValue: 1),
      expCmdSN: SerialNumber(rawValue: 1), maxCmdSN: SerialNumber(rawValue: 1), r2tSN: r2tSN,
      bufferOffset: offset, desiredDataTransferLength: length)
  }
}

extension DataOrder {
  init(_ parameters: NegotiatedParameters) {
    self.init(
      pduInOrder: parameters.dataPDUInOrder, sequenceInOrder: parameters.dataSequenceInOrder)
  }
}
