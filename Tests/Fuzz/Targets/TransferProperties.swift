import ISCSI
import SCSI
import Wire

/// Full feature phase: the numbers of a session and the data of one task, beside a map of bytes.
///
/// Input: direction and what was negotiated, the length of the transfer, then operations.
enum TransferProperties {
  /// Longer transfers are held to the rules of ranges only, without a map.
  private static let mapLimit: UInt32 = 4_096
  private static let operationLimit = 512

  static func check(_ bytes: [UInt8]) throws(Disagreement) {
    var input = FuzzInput(bytes)
    let choice = input.byte()
    var parameters = NegotiatedParameters()
    parameters.immediateData = choice & 0x02 != 0
    parameters.initialR2T = choice & 0x04 != 0
    let isWide = choice & 0x08 != 0
    let expectedLength = isWide ? input.number32() : UInt32(input.number16()) % (mapLimit + 1)
    parameters.maxBurstLength = 1 + (isWide ? input.number32() >> 8 : UInt32(input.number16() >> 4))
    parameters.firstBurstLength = min(parameters.maxBurstLength, 1 + UInt32(input.number16()))
    parameters.maxXmitDataSegmentLength = 1 + UInt32(input.number16() >> 4)
    parameters.maxOutstandingR2T = 1 + UInt32(input.byte() % 80)
    try SessionNumbersProperties.check(parameters: parameters, &input)
    let direction: TransferState.Direction =
      choice & 0x10 != 0 ? .none : choice & 1 == 0 ? .read : .write
    switch direction {
    case .none: try checkNone(expectedLength, parameters, &input)
    case .read: try checkRead(expectedLength, hasMap: !isWide, &input)
    case .write: try checkWrite(expectedLength, parameters, hasMap: !isWide, &input)
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
    _ expectedLength: UInt32, hasMap: Bool, _ input: inout FuzzInput
  ) throws(Disagreement) {
    var transfer = TransferState(direction: .read, expectedLength: expectedLength)
    var record = TransferRecord()
    let parameters = NegotiatedParameters()
    var model = ReadModel(expectedLength: Int(expectedLength), hasMap: hasMap)
    for _ in 0..<operationLimit where !input.isEmpty {
      if input.byte() == 0xFF {
        let request = readyToTransfer(r2tSN: 0, tag: 1, offset: 0, length: 1)
        try hold(
          (try? transfer.receive(request, parameters: parameters, record: &record)) == nil,
          "a read takes no R2T")
        return
      }
      let dataSN = input.near(UInt32(truncatingIfNeeded: model.pduCount))
      let offset = input.near(UInt32(truncatingIfNeeded: model.received))
      let length = input.number16() >> 4
      let isLegal = model.takes(dataSN: dataSN, offset: offset, length: Int(length))
      let violation: ProtocolViolation?
      do throws(ProtocolViolation) {
        try transfer.receive(
          dataIn(dataSN: dataSN, offset: offset, length: length), parameters: parameters,
          record: &record)
        violation = nil
      } catch { violation = error }
      if let violation {
        try holdSentence(violation.sentence, of: "a violation")
        try hold(!isLegal, "Data-In \(dataSN) of \(length) at \(offset): \(violation.sentence)")
        return
      }
      try hold(isLegal, "Data-In \(dataSN) of \(length) at \(offset) is taken against the map")
      model.receive(offset: offset, length: Int(length))
      try agree(Int(transfer.receivedLength), model.received, "bytes received")
      try agree(transfer.isWhole, model.isWhole, "a read is whole when every byte has come")
    }
  }

  // MARK: - Writes

  private static func checkWrite(
    _ expectedLength: UInt32, _ parameters: NegotiatedParameters, hasMap: Bool,
    _ input: inout FuzzInput
  ) throws(Disagreement) {
    let machine = FullFeatureMachine(
      parameters: parameters, cmdSN: SerialNumber(rawValue: 1), expCmdSN: SerialNumber(rawValue: 1),
      maxCmdSN: SerialNumber(rawValue: 1), expStatSN: SerialNumber(rawValue: 1))
    let lengths = machine.unsolicitedLengths(expectedLength: expectedLength)
    try checkUnsolicited(lengths, expectedLength, parameters)
    var transfer = TransferState(direction: .write, expectedLength: expectedLength)
    var record = TransferRecord()
    transfer.begin(
      immediateLength: lengths.immediate, unsolicitedLength: lengths.unsolicited,
      record: &record)
    var model = WriteModel(
      expectedLength: Int(expectedLength), hasMap: hasMap, immediate: Int(lengths.immediate),
      unsolicited: Int(lengths.unsolicited))
    for _ in 0..<operationLimit where !input.isEmpty {
      switch input.byte() {
      case 0..<0x80:
        guard try ask(&transfer, &record, &model, parameters, &input) else { return }
      case 0xFF:
        let data = dataIn(dataSN: 0, offset: 0, length: 1)
        try hold(
          (try? transfer.receive(data, parameters: parameters, record: &record)) == nil,
          "a write takes no Data-In")
        return
      default:
        guard transfer.hasBurst else { continue }
        try send(&transfer, &record, &model, maximumLength: 1 + UInt32(input.number16() >> 4))
      }
      try agree(transfer.hasBurst, model.hasBurst, "something may be sent")
      try agree(
        transfer.isWhole, model.isWhole && !model.hasBurst,
        "a write is whole when every byte was asked for and sent")
    }
    // Whatever is queued is sent in the end, and nothing else.
    while transfer.hasBurst { try send(&transfer, &record, &model, maximumLength: 0x00FF_FFFF) }
    try hold(!model.hasBurst, "every byte asked for is sent")
  }

  private static func checkUnsolicited(
    _ lengths: (immediate: UInt32, unsolicited: UInt32), _ expectedLength: UInt32,
    _ parameters: NegotiatedParameters
  ) throws(Disagreement) {
    let most = min(Int(parameters.firstBurstLength), Int(expectedLength))
    let (immediate, unsolicited) = (Int(lengths.immediate), Int(lengths.unsolicited))
    try hold(immediate + unsolicited <= most, "unasked data fits FirstBurstLength and the task")
    try hold(
      immediate <= parameters.maxXmitDataSegmentLength, "immediate data fits one data segment")
    try hold(parameters.immediateData || immediate == 0, "ImmediateData=No")
    try hold(!parameters.initialR2T || unsolicited == 0, "InitialR2T=Yes")
    if !parameters.initialR2T {
      // RFC 7143, 11.3.4 and 13.14: what may go unasked goes unasked, whole.
      try agree(immediate + unsolicited, most, "unasked data")
    }
  }

  /// An R2T, mostly legal; false when the transfer refused it.
  private static func ask(
    _ transfer: inout TransferState, _ record: inout TransferRecord, _ model: inout WriteModel,
    _ parameters: NegotiatedParameters, _ input: inout FuzzInput
  ) throws(Disagreement) -> Bool {
    let r2tSN = input.near(UInt32(truncatingIfNeeded: model.requestCount))
    let tag = input.near(UInt32(truncatingIfNeeded: model.requestCount + 100))
    let offset = input.near(UInt32(truncatingIfNeeded: model.asked))
    let shape = input.number16()
    let left = UInt32(truncatingIfNeeded: max(0, model.expectedLength - model.asked))
    let length =
      shape & 0x8000 == 0 ? min(left, UInt32(shape & 0x0FFF) + 1) : input.near(left)
    let isLegal = model.takes(
      r2tSN: r2tSN, tag: tag, offset: Int(offset), length: Int(length),
      maxBurstLength: Int(parameters.maxBurstLength),
      maxOutstanding: Int(parameters.maxOutstandingR2T))
    let request = readyToTransfer(r2tSN: r2tSN, tag: tag, offset: offset, length: length)
    let violation: ProtocolViolation?
    do throws(ProtocolViolation) {
      try transfer.receive(request, parameters: parameters, record: &record)
      violation = nil
    } catch { violation = error }
    guard let violation else {
      try hold(isLegal, "R2T \(r2tSN) of \(length) at \(offset) is taken against the map")
      model.ask(tag: tag, offset: Int(offset), length: Int(length))
      return true
    }
    try holdSentence(violation.sentence, of: "a violation")
    try hold(!isLegal, "R2T \(r2tSN) of \(length) at \(offset): \(violation.sentence)")
    return false
  }

  private static func send(
    _ transfer: inout TransferState, _ record: inout TransferRecord, _ model: inout WriteModel,
    maximumLength: UInt32
  ) throws(Disagreement) {
    let segment = transfer.nextSegment(maximumLength: maximumLength, record: &record)
    try hold(segment.length > 0, "a Data-Out carries something")
    try hold(segment.length <= maximumLength, "a Data-Out is no longer than the target takes")
    try model.send(
      tag: segment.burst.targetTransferTag.rawValue, offset: Int(segment.burst.offset),
      length: Int(segment.length), dataSN: Int(segment.burst.dataSN), isFinal: segment.isFinal)
  }

  // MARK: - PDUs

  private static func dataIn(dataSN: UInt32, offset: UInt32, length: UInt16) -> DataIn {
    var view = DataIn(
      initiatorTaskTag: InitiatorTaskTag(rawValue: 7), isFinal: false,
      expCmdSN: SerialNumber(rawValue: 1), maxCmdSN: SerialNumber(rawValue: 1), dataSN: dataSN,
      bufferOffset: offset)
    view.header.dataSegmentLength = Int(length)
    return view
  }

  private static func readyToTransfer(
    r2tSN: UInt32, tag: UInt32, offset: UInt32, length: UInt32
  ) -> ReadyToTransfer {
    ReadyToTransfer(
      logicalUnit: .zero, initiatorTaskTag: InitiatorTaskTag(rawValue: 7),
      targetTransferTag: TargetTransferTag(rawValue: tag), statSN: SerialNumber(rawValue: 1),
      expCmdSN: SerialNumber(rawValue: 1), maxCmdSN: SerialNumber(rawValue: 1), r2tSN: r2tSN,
      bufferOffset: offset, desiredDataTransferLength: length)
  }
}
