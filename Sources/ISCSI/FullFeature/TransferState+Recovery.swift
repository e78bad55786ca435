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
    let end = offset + UInt32(length)
    var isFree = offset >= contiguousLength
    for index in 0..<Int(rangeCount) {
      let range = record.ranges[index]
      if offset < range.end, range.start < end { isFree = false }
    }
    guard isFree else { throw .overlap(.dataIn, offset: offset, length: UInt32(length)) }
  }

  /// Counts the bytes of a Data-In that was checked and is whole.
  package mutating func place(
    _ dataIn: DataIn, record: inout TransferRecord
  ) throws(ProtocolViolation) {
    let length = UInt32(dataIn.header.dataSegmentLength)
    guard length > 0 else { return }
    try cover(.dataIn, dataIn.bufferOffset, dataIn.bufferOffset + length, &record)
  }

  /// Queues what an R2T asks for, perhaps not for the first time: Data-Out get lost as well.
  package mutating func receiveAgain(
    _ readyToTransfer: ReadyToTransfer, parameters: NegotiatedParameters,
    record: inout TransferRecord
  ) throws(ProtocolViolation) {
    try checkRange(of: readyToTransfer, parameters, record)
    let offset = readyToTransfer.bufferOffset
    let end = offset + readyToTransfer.desiredDataTransferLength
    var position = max(offset, contiguousLength)
    while position < end {
      var next = end
      var isCovered = false
      for index in 0..<Int(rangeCount) where record.ranges[index].end > position {
        isCovered = record.ranges[index].start <= position
        next = isCovered ? record.ranges[index].end : min(end, record.ranges[index].start)
        break
      }
      if !isCovered { try cover(.readyToTransfer, position, next, &record) }
      position = max(next, contiguousLength)
    }
    append(
      readyToTransfer.header.targetTransferTag, offset,
      length: readyToTransfer.desiredDataTransferLength, &record)
  }
}
