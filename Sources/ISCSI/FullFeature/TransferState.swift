/// How far the data of one task has come, on this connection's try of it.
///
/// Reads: every Data-In is checked against what came before. Writes: the bursts the target may
/// still get, in the order it asked for them. What does not fit a few numbers is in the
/// `TransferRecord` of the same task, which data in order never touch.
/// Source: RFC 7143, 4.2.5, 11.7, 11.8, 13.18 and 13.19.
package struct TransferState: BitwiseCopyable, Sendable {
  package enum Direction: UInt8, BitwiseCopyable, Sendable {
    case none, read, write
  }

  package typealias Burst = TransferRecord.Burst

  package let direction: Direction
  /// The Expected Data Transfer Length, in bytes.
  package let expectedLength: UInt32
  /// Bytes from the beginning without a gap: that have arrived (reads), that the target has been
  /// sent or may be sent (writes).
  var contiguousLength: UInt32 = 0
  /// Ranges behind the first gap, in the record.
  var rangeCount: UInt8 = 0
  /// Data have come of a sequence whose last Data-In has not.
  private var isSequenceOpen = false
  /// Where such a sequence goes on, while there are gaps.
  private var sequenceEnd: UInt32 = 0
  private var expDataSN: UInt32
  private var expR2TSN: UInt32
  private var burstCount: UInt8 = 0
  private var firstBurst: UInt8 = 0
  /// A read's bytes may come twice: its task goes on over another connection, or all was asked for.
  private(set) var mayRepeat = false

  /// - Parameter firstNumber: DataSN or R2TSN of the first PDU; zero but for tests of the wrap.
  package init(direction: Direction, expectedLength: UInt32, firstNumber: UInt32 = 0) {
    self.direction = direction
    self.expectedLength = expectedLength
    expDataSN = firstNumber
    expR2TSN = firstNumber
  }

  /// True when every byte of a read has come, or every byte of a write has been asked for and taken
  /// to be sent.
  ///
  /// A status of GOOD without this is data lost, never success.
  package var isWhole: Bool {
    direction == .none || contiguousLength == expectedLength && burstCount == 0
  }

  /// Whether the target counts more Data-In (reads) or R2Ts (writes) than have come: some are lost.
  ///
  /// Less than have come is no news; targets are known that do not count (RFC 7143, 11.4.8).
  package func lacks(expDataSN count: UInt32) -> Bool {
    switch direction {
    case .none: false
    case .read: count > expDataSN
    case .write: count > expR2TSN
    }
  }
}

/// Reads.
extension TransferState {
  /// Bytes of a read that have arrived, up to the first gap.
  package var receivedLength: UInt32 { direction == .read ? contiguousLength : 0 }

  /// Whether all bytes of a read have come but those the target says there are not.
  package func hasReceived(allBut residual: Residual) -> Bool {
    guard case .underflow(let count) = residual else { return receivedLength == expectedLength }
    return receivedLength >= expectedLength - min(count, expectedLength)
  }

  /// Checks a Data-In of this task and counts its bytes; they belong at its buffer offset.
  package mutating func receive(
    _ dataIn: DataIn, parameters: NegotiatedParameters, record: inout TransferRecord
  ) throws(ProtocolViolation) {
    let header = dataIn.header
    guard direction == .read else {
      throw .unexpectedForTask(.dataIn, header.initiatorTaskTag)
    }
    guard dataIn.dataSN == expDataSN else {
      throw .dataSN(expected: expDataSN, found: dataIn.dataSN)
    }
    let length = header.dataSegmentLength
    if length > 0 {
      if dataIn.bufferOffset == contiguousLength, rangeCount == 0,
        length <= expectedLength - contiguousLength
      {
        contiguousLength += UInt32(length)
      } else {
        try place(dataIn, parameters, &record)
      }
    }
    expDataSN &+= 1
    // A Data-In without data says nothing of where its sequence begins, but may end it.
    isSequenceOpen = (length > 0 || isSequenceOpen) && !header.isFinal
    // Sequences in order: what one leaves out comes in no other (13.19).
    if rangeCount > 0, header.isFinal, parameters.dataSequenceInOrder {
      throw .dataOffset(expected: contiguousLength, found: dataIn.bufferOffset)
    }
  }

  /// Data-In that is not the continuation of all before.
  private mutating func place(
    _ dataIn: DataIn, _ parameters: NegotiatedParameters, _ record: inout TransferRecord
  ) throws(ProtocolViolation) {
    let offset = dataIn.bufferOffset
    let length = dataIn.header.dataSegmentLength
    let isOrdered = parameters.dataPDUInOrder && parameters.dataSequenceInOrder
    guard !isOrdered || offset == contiguousLength else {
      throw .dataOffset(expected: contiguousLength, found: offset)
    }
    guard offset <= expectedLength, length <= expectedLength - offset else {
      throw .dataBeyondTransfer(offset: offset, length: length, expected: expectedLength)
    }
    if parameters.dataPDUInOrder, isSequenceOpen {
      let expected = rangeCount == 0 ? contiguousLength : sequenceEnd
      guard offset == expected else { throw .dataOffset(expected: expected, found: offset) }
    }
    let end = offset + UInt32(length)
    try cover(.dataIn, offset, end, &record)
    sequenceEnd = end
  }
}

/// Writes.
extension TransferState {
  /// Counts what goes with and right behind the command: immediate data, unsolicited Data-Out.
  package mutating func begin(
    immediateLength: UInt32, unsolicitedLength: UInt32, record: inout TransferRecord
  ) {
    precondition(contiguousLength == 0 && burstCount == 0 && direction == .write)
    contiguousLength = immediateLength
    guard unsolicitedLength > 0 else { return }
    append(.reserved, immediateLength, length: unsolicitedLength, &record)
    contiguousLength += unsolicitedLength
  }

  /// Checks an R2T of this task and queues what it asks for.
  package mutating func receive(
    _ readyToTransfer: ReadyToTransfer, parameters: NegotiatedParameters,
    record: inout TransferRecord
  ) throws(ProtocolViolation) {
    guard readyToTransfer.r2tSN == expR2TSN else {
      throw .r2tSN(expected: expR2TSN, found: readyToTransfer.r2tSN)
    }
    try checkRange(of: readyToTransfer, parameters, record)
    let offset = readyToTransfer.bufferOffset
    let length = readyToTransfer.desiredDataTransferLength
    guard !parameters.dataSequenceInOrder || offset == contiguousLength else {
      throw .transferRange(offset: offset, length: length, expected: expectedLength)
    }
    // Nothing is asked for twice at ErrorRecoveryLevel 0.
    try cover(.readyToTransfer, offset, offset + length, &record)
    expR2TSN &+= 1
    append(readyToTransfer.header.targetTransferTag, offset, length: length, &record)
  }

  /// Whether an R2T asks for something this transfer has, and no more at once than agreed.
  func checkRange(
    of readyToTransfer: ReadyToTransfer, _ parameters: NegotiatedParameters,
    _ record: borrowing TransferRecord
  ) throws(ProtocolViolation) {
    let header = readyToTransfer.header
    guard direction == .write else {
      throw .unexpectedForTask(.readyToTransfer, header.initiatorTaskTag)
    }
    guard header.targetTransferTag != .reserved else {
      throw .reservedTransferTag(.readyToTransfer)
    }
    let offset = readyToTransfer.bufferOffset
    let length = readyToTransfer.desiredDataTransferLength
    guard length > 0, length <= parameters.maxBurstLength, offset <= expectedLength,
      length <= expectedLength - offset
    else {
      throw .transferRange(offset: offset, length: length, expected: expectedLength)
    }
    // Unsolicited data still waiting to be sent is no R2T; it has a place of its own. A target that
    // asks again counts what it asks for no longer (13.17), and we may not have sent it yet.
    let capacity = UInt32(TransferRecord.readyToTransferCapacity)
    let limit =
      parameters.errorRecoveryLevel > 0 ? capacity : min(parameters.maxOutstandingR2T, capacity)
    let first = record.bursts[Int(firstBurst)].targetTransferTag
    let unsolicited: UInt32 = burstCount > 0 && first == .reserved ? 1 : 0
    guard UInt32(burstCount) - unsolicited < limit else {
      throw .tooManyReadyToTransfer(limit: limit)
    }
  }

  /// The task goes on over another connection: what the target had asked for and was not sent it
  /// asks for again, what has come or left stays counted (7.2.2).
  ///
  /// Of a read in order what came behind a hole comes again, and is not counted (11.5.6).
  package mutating func reassign(
    parameters: NegotiatedParameters, record: borrowing TransferRecord
  ) {
    expectAgain(from: contiguousLength, parameters: parameters)
    guard burstCount > 0 else { return }
    for position in 0..<Int(burstCount) {
      let index = (Int(firstBurst) + position) % TransferRecord.burstCapacity
      contiguousLength = min(contiguousLength, record.bursts[index].offset)
    }
    (burstCount, firstBurst, rangeCount) = (0, 0, 0)
  }

  /// Of a read in order what came behind so many bytes, or behind a hole, comes again, and is not
  /// counted; in any other order it may come again, and stays counted.
  package mutating func expectAgain(from length: UInt32, parameters: NegotiatedParameters) {
    mayRepeat = true
    guard direction == .read, parameters.dataPDUInOrder, parameters.dataSequenceInOrder else {
      return
    }
    contiguousLength = min(contiguousLength, length)
    rangeCount = 0
  }

  /// True while something may be sent.
  package var hasBurst: Bool { burstCount > 0 }

  /// The next Data-Out: its burst as it stands before, its length, and whether the burst ends.
  ///
  /// Traps when nothing may be sent.
  package mutating func nextSegment(
    maximumLength: UInt32, record: inout TransferRecord
  ) -> (burst: Burst, length: UInt32, isFinal: Bool) {
    precondition(burstCount > 0, "a segment is taken only while a burst is queued")
    let index = Int(firstBurst)
    let burst = record.bursts[index]
    let length = min(burst.remaining, maximumLength)
    let isFinal = length == burst.remaining
    if isFinal {
      firstBurst = UInt8((index + 1) % TransferRecord.burstCapacity)
      burstCount -= 1
    } else {
      record.bursts[index].offset += length
      record.bursts[index].remaining -= length
      record.bursts[index].dataSN &+= 1
    }
    return (burst, length, isFinal)
  }

  mutating func append(
    _ tag: TargetTransferTag, _ offset: UInt32, length: UInt32, _ record: inout TransferRecord
  ) {
    precondition(Int(burstCount) < TransferRecord.burstCapacity, "the R2T limit is below it")
    let index = (Int(firstBurst) + Int(burstCount)) % TransferRecord.burstCapacity
    record.bursts[index] = Burst(
      targetTransferTag: tag, offset: offset, remaining: length, dataSN: 0)
    burstCount += 1
  }
}
