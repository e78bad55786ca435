import ISCSI
import Wire

/// Writes: what the target may ask for, and what it is sent.
extension TransferProperties {
  static func checkWrite(
    _ expectedLength: UInt32, _ parameters: NegotiatedParameters, _ input: inout FuzzInput
  ) throws(Disagreement) {
    let machine = FullFeatureMachine(
      parameters: parameters, expStatSN: SerialNumber(rawValue: 1))
    let lengths = machine.unsolicitedLengths(expectedLength: expectedLength)
    try checkUnsolicited(lengths, expectedLength, parameters)
    var transfer = TransferState(direction: .write, expectedLength: expectedLength)
    var record = TransferRecord()
    transfer.begin(
      immediateLength: lengths.immediate, unsolicitedLength: lengths.unsolicited,
      record: &record)
    var model = WriteModel(
      expectedLength: Int(expectedLength), order: DataOrder(parameters),
      immediate: Int(lengths.immediate), unsolicited: Int(lengths.unsolicited))
    for _ in 0..<operationLimit where !input.isEmpty {
      let choice = input.byte()
      switch choice {
      case 0..<0x80:
        guard try ask(choice, &transfer, &record, &model, parameters, &input) else { return }
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
    try hold(!model.hasBurst && model.isSent, "every byte asked for is sent")
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
    _ choice: UInt8, _ transfer: inout TransferState, _ record: inout TransferRecord,
    _ model: inout WriteModel, _ parameters: NegotiatedParameters, _ input: inout FuzzInput
  ) throws(Disagreement) -> Bool {
    if choice & 0x10 != 0 {
      let count = input.near(UInt32(model.requestCount))
      try agree(transfer.lacks(expDataSN: count), Int(count) > model.requestCount, "lost R2Ts")
    }
    let r2tSN = input.near(UInt32(model.requestCount))
    let tag = input.near(UInt32(model.requestCount + 100))
    let offset = place(
      choice, in: model.asked, lastEnd: model.lastEnd, expectedLength: model.expectedLength,
      &input)
    let shape = input.number16()
    let left = UInt32(model.asked.room(at: Int(offset), end: model.expectedLength))
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
      try hold(isLegal, "R2T \(r2tSN) of \(length) at \(offset) is taken against the set")
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
}
