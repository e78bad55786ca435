import ISCSI
import SCSI
import Wire

/// Moving data: Data-In out, R2Ts out, Data-Out in.
///
/// Source: RFC 7143, 11.7 and 11.8.
extension TargetConnection {
  /// Sends `count` bytes of `data` in bursts of MaxBurstLength and segments the initiator takes,
  /// but for what it has: in order that is bytes, which may now be cut otherwise, else numbers.
  ///
  /// - Parameter status: the residual to report with status GOOD in the last PDU, or nil when a
  ///   SCSI Response follows.
  /// - Returns: the number of PDUs.
  func sendDataIn(
    _ data: [UInt8], count: Int, for task: SimulatedTask, status: Residual?,
    in session: SimulatedSession
  ) -> UInt32 {
    let isInOrder = negotiated.dataSequenceInOrder && negotiated.dataPDUInOrder
    let start = isInOrder ? min(task.firstOffset, count) : 0
    var bursts = pieces(of: start..<count, by: negotiated.maxBurstLength)
    if !negotiated.dataSequenceInOrder { bursts.reverse() }
    var dataSN: UInt32 = isInOrder ? task.firstDataSN : 0
    task.dataOffsets = task.dataOffsets.filter { $0.key < dataSN }
    for (index, burst) in bursts.enumerated() {
      var segments = pieces(of: burst, by: negotiated.maxSendDataSegmentLength)
      if !negotiated.dataPDUInOrder { segments.reverse() }
      for (position, segment) in segments.enumerated() {
        let isBurstEnd = position == segments.count - 1
        let isLast = isBurstEnd && index == bursts.count - 1
        let ending = isLast ? status : nil
        let acknowledged = isBurstEnd && asksForAcknowledgement(in: session)
        var header = DataIn(
          initiatorTaskTag: task.initiatorTaskTag,
          targetTransferTag: acknowledged ? makeTransferTag() : .reserved, isFinal: isBurstEnd,
          requestsAcknowledgement: acknowledged,
          status: ending.map { (SCSIStatus(rawValue: 0), takeStatSN(), $0) },
          expCmdSN: session.expCmdSN, maxCmdSN: session.maxCmdSN(), dataSN: dataSN,
          bufferOffset: UInt32(segment.lowerBound)
        ).header
        // The LUN stands where the tag does (RFC 7143, 11.7.4).
        if acknowledged { header.word1 = task.logicalUnitNumber }
        task.dataOffsets[dataSN] = segment.lowerBound
        task.dataOffsets[dataSN + 1] = segment.upperBound
        defer { dataSN += 1 }
        guard dataSN >= task.firstDataSN else { continue }
        send(header, data: segment == 0..<data.count ? data : Array(data[segment]))
      }
    }
    return dataSN
  }

  private func asksForAcknowledgement(in session: SimulatedSession) -> Bool {
    recovers && session.target?.parameters.asksForDataAcknowledgement == true
  }

  /// Brings a task on: asks for what is missing, or runs it.
  func advance(_ task: SimulatedTask, in session: SimulatedSession) {
    guard !task.isHeld, !task.awaitsUnsolicitedData else { return }
    guard task.result == nil else { return finish(task, in: session) }
    if task.rangesToAskFor == nil {
      var ranges = pieces(
        of: task.receivedByteCount..<task.neededByteCount, by: negotiated.maxBurstLength)
      if !negotiated.dataSequenceInOrder { ranges.reverse() }
      task.rangesToAskFor = ranges
    }
    while task.solicitations.count < negotiated.maxOutstandingR2T,
      let range = task.rangesToAskFor?.first
    {
      task.rangesToAskFor?.removeFirst()
      sendR2T(range, for: task, in: session)
    }
    if task.solicitations.isEmpty { finish(task, in: session) }
  }

  /// Takes Data-Out; data for a task that is not there any more is dropped in silence.
  func dataOut(_ unit: ProtocolDataUnit, in session: SimulatedSession) {
    guard !session.keepEarly(unit, from: self),
      let task = session.tasks[unit.header.initiatorTaskTag]
    else { return }
    guard task.connection === self else { return reject(unit, .protocolError) }
    guard !passOverBroken(unit, of: task, in: session) else { return }
    let data = DataOut(unit.header)
    let sense =
      unit.header.targetTransferTag == .reserved
      ? unsolicited(unit, data, task) : solicited(unit, data, task)
    if let sense {
      task.result = .check(sense)
      task.awaitsUnsolicitedData = false
      if !task.isHeld { finish(task, in: session) }
      return
    }
    if unit.header.isFinal { advance(task, in: session) }
  }

  /// Checks and keeps a PDU of the first burst; returns what is wrong with it.
  private func unsolicited(
    _ unit: ProtocolDataUnit, _ data: DataOut, _ task: SimulatedTask
  ) -> SenseData? {
    guard task.awaitsUnsolicitedData else { return .unexpectedUnsolicitedData }
    let offset = Int(data.bufferOffset)
    let limit = min(negotiated.firstBurstLength, task.expectedDataTransferLength)
    guard offset == task.unsolicitedOffset, offset + unit.data.count <= limit else {
      return .incorrectAmountOfData
    }
    guard data.dataSN == task.nextUnsolicitedDataSN else { return .protocolServiceCRCError }
    task.nextUnsolicitedDataSN += 1
    task.keep(unit.data, at: offset)
    task.unsolicitedOffset += unit.data.count
    if unit.header.isFinal { task.awaitsUnsolicitedData = false }
    return nil
  }

  /// Checks and keeps a PDU that answers an R2T; returns what is wrong with it.
  private func solicited(
    _ unit: ProtocolDataUnit, _ data: DataOut, _ task: SimulatedTask
  ) -> SenseData? {
    let tag = unit.header.targetTransferTag
    guard var solicitation = task.solicitations[tag] else { return .incorrectAmountOfData }
    let offset = Int(data.bufferOffset)
    guard offset >= solicitation.range.lowerBound,
      offset + unit.data.count <= solicitation.range.upperBound,
      offset == solicitation.nextOffset || !negotiated.dataPDUInOrder
    else { return .incorrectAmountOfData }
    guard data.dataSN == solicitation.nextDataSN else { return .protocolServiceCRCError }
    solicitation.nextDataSN += 1
    solicitation.nextOffset += unit.data.count
    task.keep(unit.data, at: offset)
    guard unit.header.isFinal else {
      task.solicitations[tag] = solicitation
      return nil
    }
    task.solicitations[tag] = nil
    return solicitation.nextOffset == solicitation.range.upperBound ? nil : .incorrectAmountOfData
  }

  private func sendR2T(_ range: Range<Int>, for task: SimulatedTask, in session: SimulatedSession) {
    let tag = makeTransferTag()
    task.solicitations[tag] = SimulatedTask.Solicitation(
      range: range, nextOffset: range.lowerBound)
    // An R2T bears the next StatSN without taking it (RFC 7143, 11.8).
    send(
      ReadyToTransfer(
        logicalUnit: LogicalUnitNumber(rawValue: task.logicalUnitNumber),
        initiatorTaskTag: task.initiatorTaskTag, targetTransferTag: tag, statSN: statSN,
        expCmdSN: session.expCmdSN, maxCmdSN: session.maxCmdSN(), r2tSN: task.r2tCount,
        bufferOffset: UInt32(range.lowerBound), desiredDataTransferLength: UInt32(range.count)
      ).header)
    task.r2tCount += 1
  }

  private func pieces(of range: Range<Int>, by size: Int) -> [Range<Int>] {
    stride(from: range.lowerBound, to: range.upperBound, by: size).map {
      $0..<min($0 + size, range.upperBound)
    }
  }
}
