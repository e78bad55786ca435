/// Data that come, or are asked for, again: from ErrorRecoveryLevel 1 on.
///
/// The numbers of the PDUs are checked by `TaskRecovery`. What was lost comes behind what followed
/// it, so that only the bytes tell: each belongs to the transfer and is taken once.
extension TransferState {
  /// Checks where the payload of a Data-In belongs, before any of it is taken.
  package func check(
    _ dataIn: DataIn, record: borrowing TransferRecord
  ) throws(ProtocolViolation) {
    guard direction == .read else {
      throw .unexpectedForTask(.dataIn, dataIn.header.initiatorTaskTag)
    }
    let offset = dataIn.bufferOffset
    let length = dataIn.header.dataSegmentLength
    guard length > 0 else { return }
    guard offset <= expectedLength, length <= expectedLength - offset else {
      throw .dataBeyondTransfer(offset: offset, length: length, expected: expectedLength)
    }
    guard !mayRepeat else { return }
    let end = offset + UInt32(length)
    var isFree = offset >= contiguousLength
    for index in 0..<Int(rangeCount) {
      let range = record.ranges[index]
      if offset < range.end, range.start < end { isFree = false }
    }
    guard isFree else { throw .overlap(.dataIn, offset: offset, length: UInt32(length)) }
  }

  /// The payload of a Data-In that was checked is laid down before its digest is known: where it
  /// covers bytes that are counted, these and what is behind them do not count any more.
  package mutating func expose(to dataIn: DataIn, record: borrowing TransferRecord) {
    let (start, length) = (dataIn.bufferOffset, UInt32(dataIn.header.dataSegmentLength))
    guard mayRepeat, length > 0 else { return }
    var isCovered = start < contiguousLength
    for index in 0..<Int(rangeCount) {
      let range = record.ranges[index]
      if start < range.end, range.start < start + length { isCovered = true }
    }
    guard isCovered else { return }
    contiguousLength = min(contiguousLength, start)
    rangeCount = 0
  }

  /// Counts the bytes of a Data-In that was checked and is whole.
  package mutating func place(
    _ dataIn: DataIn, record: inout TransferRecord
  ) throws(ProtocolViolation) {
    let length = UInt32(dataIn.header.dataSegmentLength)
    guard length > 0 else { return }
    guard !mayRepeat else {
      // Cut otherwise than before, perhaps: the same bytes, whoever sent them.
      return try coverRest(.dataIn, dataIn.bufferOffset, dataIn.bufferOffset + length, &record)
    }
    try cover(.dataIn, dataIn.bufferOffset, dataIn.bufferOffset + length, &record)
  }

  /// Whether no byte of a read is missing up to the end of a Data-In that was placed; where they
  /// come in any order, whether none is missing at all.
  package func hasAll(upTo dataIn: DataIn, parameters: NegotiatedParameters) -> Bool {
    guard parameters.dataPDUInOrder, parameters.dataSequenceInOrder else { return isWhole }
    return UInt64(dataIn.bufferOffset) + UInt64(dataIn.header.dataSegmentLength)
      <= UInt64(contiguousLength)
  }

  /// Queues what an R2T asks for, perhaps not for the first time: Data-Out get lost as well.
  package mutating func receiveAgain(
    _ readyToTransfer: ReadyToTransfer, parameters: NegotiatedParameters,
    record: inout TransferRecord
  ) throws(ProtocolViolation) {
    try checkRange(of: readyToTransfer, parameters, record)
    let offset = readyToTransfer.bufferOffset
    let end = offset + readyToTransfer.desiredDataTransferLength
    try coverRest(.readyToTransfer, offset, end, &record)
    append(
      readyToTransfer.header.targetTransferTag, offset,
      length: readyToTransfer.desiredDataTransferLength, &record)
  }

  /// Counts those of the bytes from `start` up to `end` that are not counted yet.
  private mutating func coverRest(
    _ opcode: Opcode, _ start: UInt32, _ end: UInt32, _ record: inout TransferRecord
  ) throws(ProtocolViolation) {
    var position = max(start, contiguousLength)
    while position < end {
      var next = end
      var isCovered = false
      for index in 0..<Int(rangeCount) where record.ranges[index].end > position {
        isCovered = record.ranges[index].start <= position
        next = isCovered ? record.ranges[index].end : min(end, record.ranges[index].start)
        break
      }
      if !isCovered { try cover(opcode, position, next, &record) }
      position = max(next, contiguousLength)
    }
  }
}
