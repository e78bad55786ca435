package import SCSI
package import Wire

/// What of one task is missing and what is owed for it, from ErrorRecoveryLevel 1 on.
///
/// Numbers only: where bytes belong is `TransferState`'s. One value a task, made anew with every
/// command.
/// Source: RFC 7143, 7.2.1, 7.2.2, 7.8, 7.9, 11.5.6, 11.7.2 and 11.16.
package struct TaskRecovery: BitwiseCopyable, Sendable {
  package typealias Run = NumberGaps.Run

  /// A status that came before it counts: of GOOD before all data did, behind an R-Data SNACK any.
  package struct HeldStatus: BitwiseCopyable, Equatable, Sendable {
    package var statSN: SerialNumber
    package var residual: Residual
    package var status: SCSIStatus
    package var sense: SenseData?

    package init(
      statSN: SerialNumber, residual: Residual, status: SCSIStatus = .good, sense: SenseData? = nil
    ) {
      self.statSN = statSN
      self.residual = residual
      self.status = status
      self.sense = sense
    }
  }

  /// A DataACK that is owed: what it copies of the Data-In that asked for it, and the first number
  /// it does not acknowledge.
  package struct Acknowledgement: BitwiseCopyable, Equatable, Sendable {
    package var targetTransferTag: TargetTransferTag
    package var lun: UInt64
    package var begRun: UInt32

    /// Of a Data-In with the A bit.
    init(_ dataIn: DataIn) throws(ProtocolViolation) {
      targetTransferTag = dataIn.header.targetTransferTag
      lun = dataIn.header.word1
      begRun = dataIn.dataSN &+ 1
      guard targetTransferTag != .reserved else { throw .reservedTransferTag(.dataIn) }
    }
  }

  /// How often all of a task's data may be asked for, the first time included.
  private static let repeatLimit: UInt8 = 3

  /// DataSN of a read, R2TSN of a write.
  package private(set) var gaps: NumberGaps
  /// The target will not send again what is missing: no status is a success any more.
  package private(set) var isForfeited = false
  package private(set) var heldStatus: HeldStatus?
  private var acknowledgement: Acknowledgement?
  private let firstNumber: UInt32
  /// The first Data-In not acknowledged, and how many bytes of a read in order are before it.
  private var acknowledgedSN: UInt32
  package private(set) var acknowledgedLength: UInt32 = 0
  /// How often everything from the first hole on has been asked for.
  private var wholesaleCount: UInt8 = 0
  /// Our MaxRecvDataSegmentLength where the data of a read came from last.
  private var segmentLength: UInt32 = 0
  /// That has changed since some of its data were sent: what is asked for again is cut otherwise.
  package private(set) var isResegmented = false
  /// The SNACK Tag of the R-Data SNACK sent on this connection; 0 for none.
  package private(set) var snackTag: UInt32 = 0
  private var lastSNACKTag: UInt32 = 0
  /// The target numbers the R2Ts of a reassigned write as it likes: its next one tells.
  private var awaitsFirstR2T = false
  private var countsAnew = false
  /// Where the sequences of a read begin that lie behind the last two Data-In with the F bit, as
  /// far as known; nothing of the last one may have been sent yet.
  private var sequenceStart: UInt32
  private var nextSequenceStart: UInt32

  /// How often the command itself has been sent again, and when for the last time.
  package var resendCount: UInt8 = 0
  /// Monotonic nanoseconds.
  package var resentAt: UInt64 = 0

  /// - Parameter firstNumber: zero but for tests of the wrap.
  package init(firstNumber: UInt32 = 0) {
    gaps = NumberGaps(firstNumber: firstNumber)
    self.firstNumber = firstNumber
    acknowledgedSN = firstNumber
    sequenceStart = firstNumber
    nextSequenceStart = firstNumber
  }

  /// Whether a PDU of the task has come: the target has the command, whatever else it says (7.1.4).
  package var isHeardOf: Bool { gaps.next != firstNumber }

  /// Whether a status of GOOD has to wait for data that were asked for.
  package var awaitsPDUs: Bool { (!gaps.isEmpty || snackTag != 0) && !isForfeited }

  /// Whether every byte is to come again and only a status with `snackTag` counts.
  ///
  /// From then on the numbers of Data-In mean nothing: those that were under way have others than
  /// those that follow (11.16.3).
  package var isTagged: Bool { snackTag != 0 && !isForfeited }

  /// Whether nothing that was numbered is missing.
  package var isCounted: Bool { gaps.isEmpty && snackTag == 0 }

  /// Whether as many PDUs have come as the target says it sent; what it does not count is no news.
  package func hasAll(of count: UInt32) -> Bool {
    isCounted && (Int32(bitPattern: count &- gaps.next) <= 0 || countsAnew)
  }

  /// The connection of the task is lost, and another is to take it over.
  ///
  /// Of a read what came before the first hole is kept, and acknowledged by `expDataSN`; what came
  /// behind it, and a status that waited, come again.
  ///
  /// - Parameter segmentLength: our MaxRecvDataSegmentLength on the connection that is lost.
  package mutating func reassign(
    _ direction: TransferState.Direction, segmentLength: UInt32 = 0
  ) {
    self.segmentLength = segmentLength
    snackTag = 0
    gaps = NumberGaps(firstNumber: direction == .read ? gaps.firstMissing : gaps.next)
    (sequenceStart, nextSequenceStart) = (gaps.next, gaps.next)
    heldStatus = nil
    acknowledgement = nil
    isForfeited = false
    countsAnew = direction != .read
    awaitsFirstR2T = countsAnew
  }

  /// What a TASK REASSIGN says of the Data-In that have come: the number of the next (11.5.6).
  ///
  /// Of data that were cut otherwise than those to come it is what was acknowledged before, which
  /// brings the target's count to ours where a DataACK of ours was lost.
  package var expDataSN: UInt32 { countsAnew ? 0 : gaps.next }

  /// A TASK REASSIGN is to be sent on a connection where our MaxRecvDataSegmentLength is this;
  /// false where only what was acknowledged before counts any more.
  package mutating func prepareReassignment(segmentLength length: UInt32) -> Bool {
    guard !countsAnew else { return true }
    if segmentLength != length { isResegmented = true }
    guard isResegmented else { return true }
    gaps = NumberGaps(firstNumber: acknowledgedSN)
    (sequenceStart, nextSequenceStart) = (acknowledgedSN, acknowledgedSN)
    return false
  }

  /// A TASK REASSIGN has been sent, and with it what `expDataSN` acknowledges.
  ///
  /// - Parameter receivedLength: bytes of a read in order that have come.
  package mutating func sentReassignment(receivedLength: UInt32) {
    guard !countsAnew, !isResegmented else { return }
    (acknowledgedSN, acknowledgedLength) = (gaps.next, receivedLength)
  }

  /// Takes the number of the first R2T after a reassignment for what the target counts from.
  package mutating func anchor(_ readyToTransfer: ReadyToTransfer) {
    guard awaitsFirstR2T else { return }
    awaitsFirstR2T = false
    gaps = NumberGaps(firstNumber: readyToTransfer.r2tSN)
  }

  /// Counts a Data-In that is new and whole; returns what is to be asked for.
  package mutating func receive(_ dataIn: DataIn) throws(ProtocolViolation) -> Run? {
    if dataIn.requestsAcknowledgement { acknowledgement = try Acknowledgement(dataIn) }
    noteSequence(dataIn)
    return try gaps.arrive(dataIn.dataSN)
  }

  /// Counts an R2T that is new; returns what is to be asked for.
  package mutating func receive(
    _ readyToTransfer: ReadyToTransfer
  ) throws(ProtocolViolation) -> Run? {
    try gaps.arrive(readyToTransfer.r2tSN)
  }

  /// A Data-In came whose data are wrong: returns what is to be asked for, and whether it had been
  /// before; nil when nothing is.
  ///
  /// While sequences are in order only PDUs of the last one may be asked for (13.19).
  package mutating func lose(
    _ dataIn: DataIn, parameters: NegotiatedParameters
  ) throws(ProtocolViolation) -> (run: Run, isAgain: Bool)? {
    guard let loss = try gaps.lose(dataIn.dataSN) else { return nil }
    noteSequence(dataIn)
    return mayAsk(from: dataIn.dataSN, parameters) ? loss : nil
  }

  /// More is missing than is kept track of: what asks for everything from the first hole on; nil
  /// where that may not be asked for, while sequences are in order (13.19).
  package mutating func askForRest(
    parameters: NegotiatedParameters
  ) throws(ProtocolViolation) -> Run? {
    guard mayAsk(from: gaps.firstMissing, parameters) else { return nil }
    guard wholesaleCount < Self.repeatLimit else {
      throw .tooManyMissing(limit: NumberGaps.capacity)
    }
    wholesaleCount += 1
    return Run(first: gaps.firstMissing, count: 0)
  }

  /// Data that were cut otherwise are missing: all of them that are not acknowledged are forgotten,
  /// and asked for by an R-Data SNACK with the tag returned; nil as `askForRest` has it.
  package mutating func resegment(
    parameters: NegotiatedParameters
  ) throws(ProtocolViolation) -> UInt32? {
    guard mayAsk(from: acknowledgedSN, parameters) else { return nil }
    guard wholesaleCount < Self.repeatLimit else {
      throw .stillMissing(times: Int(Self.repeatLimit) + 1)
    }
    wholesaleCount += 1
    gaps.lose(from: acknowledgedSN)
    // Neither 0 nor the reserved value, and another one for each (11.16.5).
    lastSNACKTag += 1
    snackTag = lastSNACKTag
    return snackTag
  }

  /// While sequences are in order only PDUs of the last one may be asked for (13.19): where more
  /// would be, the task goes on to its status without.
  private mutating func mayAsk(from number: UInt32, _ parameters: NegotiatedParameters) -> Bool {
    let isOfLastSequence = Int32(bitPattern: number &- lastSequenceStart) >= 0
    guard isOfLastSequence || !parameters.dataSequenceInOrder else {
      forfeit()
      return false
    }
    return true
  }

  /// Takes the target's count of what it has sent; returns what is to be asked for.
  package mutating func extend(to count: UInt32) throws(ProtocolViolation) -> Run? {
    try gaps.extend(to: count)
  }

  /// Keeps a status until it counts; a task has one.
  package mutating func hold(
    _ opcode: Opcode, _ status: HeldStatus, of task: InitiatorTaskTag
  ) throws(ProtocolViolation) {
    guard heldStatus == nil else { throw .unexpectedForTask(opcode, task) }
    heldStatus = status
  }

  /// The status that was held, which is so no longer.
  package mutating func takeHeldStatus() -> HeldStatus? { heldStatus.take() }

  /// What is missing will not come.
  package mutating func forfeit() { isForfeited = true }

  /// The DataACK owed now: not before the holes are filled (11.16).
  ///
  /// - Parameter receivedLength: bytes of a read in order that have come.
  package mutating func takeAcknowledgement(receivedLength: UInt32 = 0) -> Acknowledgement? {
    guard isCounted, var owed = acknowledgement.take() else { return nil }
    owed.begRun = gaps.next
    (acknowledgedSN, acknowledgedLength) = (gaps.next, receivedLength)
    return owed
  }

  /// The DataACK for a Data-In behind an R-Data SNACK: now or never.
  ///
  /// Where data before it are missing it is one that was under way when they were asked for, or all
  /// are asked for anew, and its number means other data then.
  ///
  /// - Parameter hasAllBefore: no byte is missing up to its end.
  package mutating func acknowledge(
    _ dataIn: DataIn, hasAllBefore: Bool
  ) throws(ProtocolViolation) -> Acknowledgement? {
    guard dataIn.requestsAcknowledgement else { return nil }
    let owed = try Acknowledgement(dataIn)
    guard isTagged, hasAllBefore, Int32(bitPattern: owed.begRun &- acknowledgedSN) > 0 else {
      return nil
    }
    acknowledgedSN = owed.begRun
    let end = dataIn.bufferOffset + UInt32(dataIn.header.dataSegmentLength)
    acknowledgedLength = max(acknowledgedLength, end)
    gaps = NumberGaps(firstNumber: acknowledgedSN)
    (sequenceStart, nextSequenceStart) = (acknowledgedSN, acknowledgedSN)
    return owed
  }

  /// The last sequence known to have been begun: a Data-In that ends one may come late itself.
  private var lastSequenceStart: UInt32 {
    Int32(bitPattern: nextSequenceStart &- gaps.next) < 0 ? nextSequenceStart : sequenceStart
  }

  private mutating func noteSequence(_ dataIn: DataIn) {
    guard dataIn.header.isFinal else { return }
    let end = dataIn.dataSN &+ 1
    if Int32(bitPattern: end &- nextSequenceStart) > 0 {
      (sequenceStart, nextSequenceStart) = (nextSequenceStart, end)
    } else if end != nextSequenceStart, Int32(bitPattern: end &- sequenceStart) > 0 {
      sequenceStart = end
    }
  }
}
