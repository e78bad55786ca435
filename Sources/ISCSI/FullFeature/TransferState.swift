/// How far the data of one task has come, on this connection's try of it.
///
/// Reads: every Data-In is checked against what came before (DataPDUInOrder and
/// DataSequenceInOrder are Yes). Writes: the bursts the target may still get, oldest first.
/// Source: RFC 7143, 4.2.5, 11.7 and 11.8.
package struct TransferState: BitwiseCopyable, Sendable {
  /// The most R2Ts one task may have outstanding, whatever was negotiated.
  package static let burstCapacity = 16

  package enum Direction: UInt8, BitwiseCopyable, Sendable {
    case none, read, write
  }

  /// A range of the write the target may be sent now.
  package struct Burst: BitwiseCopyable, Equatable, Sendable {
    package var targetTransferTag: TargetTransferTag
    package var offset: UInt32
    package var remaining: UInt32
    package var dataSN: UInt32
  }

  package let direction: Direction
  /// The Expected Data Transfer Length, in bytes.
  package let expectedLength: UInt32
  /// Reads: bytes of Data-In that have arrived, without a gap.
  package private(set) var receivedLength: UInt32 = 0
  /// Writes: the bytes before it have been sent, or the target may have them.
  private var permittedEnd: UInt32 = 0
  private var expDataSN: UInt32 = 0
  private var expR2TSN: UInt32 = 0
  private var burstCount: UInt8 = 0
  private var firstBurst: UInt8 = 0
  private var bursts = InlineArray<16, Burst>(
    repeating: Burst(targetTransferTag: .reserved, offset: 0, remaining: 0, dataSN: 0))

  package init(direction: Direction, expectedLength: UInt32) {
    self.direction = direction
    self.expectedLength = expectedLength
  }
}

/// Reads.
extension TransferState {
  /// Checks a Data-In of this task and counts its bytes; they belong at its buffer offset.
  package mutating func receive(_ dataIn: DataIn) throws(ProtocolViolation) {
    let header = dataIn.header
    guard direction == .read else {
      throw .unexpectedForTask(.dataIn, header.initiatorTaskTag)
    }
    guard dataIn.dataSN == expDataSN else {
      throw .dataSN(expected: expDataSN, found: dataIn.dataSN)
    }
    let length = header.dataSegmentLength
    if length > 0 {
      guard dataIn.bufferOffset == receivedLength else {
        throw .dataOffset(expected: receivedLength, found: dataIn.bufferOffset)
      }
      guard length <= expectedLength - receivedLength else {
        throw .dataBeyondTransfer(
          offset: dataIn.bufferOffset, length: length, expected: expectedLength)
      }
    }
    expDataSN &+= 1
    receivedLength += UInt32(length)
  }

  /// True when every byte of a read has come, or every byte of a write has been asked for.
  ///
  /// A status of GOOD without this is data lost, never success.
  package var isWhole: Bool {
    switch direction {
    case .none: true
    case .read: receivedLength == expectedLength
    case .write: permittedEnd == expectedLength
    }
  }
}

/// Writes.
extension TransferState {
  /// Counts what goes with and right behind the command: immediate data, unsolicited Data-Out.
  package mutating func begin(immediateLength: UInt32, unsolicitedLength: UInt32) {
    precondition(permittedEnd == 0 && burstCount == 0 && direction == .write)
    permittedEnd = immediateLength
    if unsolicitedLength > 0 { append(.reserved, length: unsolicitedLength) }
  }

  /// Checks an R2T of this task and queues what it asks for.
  package mutating func receive(
    _ readyToTransfer: ReadyToTransfer, parameters: NegotiatedParameters
  ) throws(ProtocolViolation) {
    let header = readyToTransfer.header
    guard direction == .write else {
      throw .unexpectedForTask(.readyToTransfer, header.initiatorTaskTag)
    }
    guard readyToTransfer.r2tSN == expR2TSN else {
      throw .r2tSN(expected: expR2TSN, found: readyToTransfer.r2tSN)
    }
    guard header.targetTransferTag != .reserved else {
      throw .reservedTransferTag(.readyToTransfer)
    }
    let offset = readyToTransfer.bufferOffset
    let length = readyToTransfer.desiredDataTransferLength
    // DataSequenceInOrder is Yes, and nothing is asked for twice at ErrorRecoveryLevel 0.
    guard length > 0, length <= parameters.maxBurstLength, offset == permittedEnd,
      length <= expectedLength - offset
    else {
      throw .transferRange(offset: offset, length: length, expected: expectedLength)
    }
    // Unsolicited data still waiting to be sent is no R2T; it may hold one place of the queue.
    let limit = min(Int(parameters.maxOutstandingR2T), Self.burstCapacity - 1)
    let unsolicited = burstCount > 0 && bursts[Int(firstBurst)].targetTransferTag == .reserved
    guard Int(burstCount) - (unsolicited ? 1 : 0) < limit else {
      throw .tooManyReadyToTransfer(limit: parameters.maxOutstandingR2T)
    }
    expR2TSN &+= 1
    append(header.targetTransferTag, length: length)
  }

  /// True while something may be sent.
  package var hasBurst: Bool { burstCount > 0 }

  /// The next Data-Out: its burst as it stands before, its length, and whether the burst ends.
  ///
  /// Traps when nothing may be sent.
  package mutating func nextSegment(
    maximumLength: UInt32
  ) -> (burst: Burst, length: UInt32, isFinal: Bool) {
    precondition(burstCount > 0, "a segment is taken only while a burst is queued")
    let index = Int(firstBurst)
    let burst = bursts[index]
    let length = min(burst.remaining, maximumLength)
    let isFinal = length == burst.remaining
    if isFinal {
      firstBurst = (firstBurst + 1) % UInt8(Self.burstCapacity)
      burstCount -= 1
    } else {
      bursts[index].offset += length
      bursts[index].remaining -= length
      bursts[index].dataSN &+= 1
    }
    return (burst, length, isFinal)
  }

  /// Permits `length` more bytes.
  private mutating func append(_ tag: TargetTransferTag, length: UInt32) {
    precondition(Int(burstCount) < Self.burstCapacity, "the R2T limit is below the capacity")
    bursts[(Int(firstBurst) + Int(burstCount)) % Self.burstCapacity] = Burst(
      targetTransferTag: tag, offset: permittedEnd, remaining: length, dataSN: 0)
    permittedEnd += length
    burstCount += 1
  }
}
