package import Wire

/// What of one task is missing and what is owed for it, from ErrorRecoveryLevel 1 on.
///
/// Numbers only: where bytes belong is `TransferState`'s. One value a task, made anew with every
/// command.
/// Source: RFC 7143, 7.2.1, 7.2.2, 7.8, 7.9, 11.5.6, 11.7.2 and 11.16.
package struct TaskRecovery: BitwiseCopyable, Sendable {
  package typealias Run = NumberGaps.Run

  /// A status of GOOD that came before all data did.
  package struct HeldStatus: BitwiseCopyable, Equatable, Sendable {
    package var statSN: SerialNumber
    package var residual: Residual

    package init(statSN: SerialNumber, residual: Residual) {
      self.statSN = statSN
      self.residual = residual
    }
  }

  /// A DataACK that is owed: what it copies of the Data-In that asked for it.
  package struct Acknowledgement: BitwiseCopyable, Equatable, Sendable {
    package var targetTransferTag: TargetTransferTag
    package var lun: UInt64
  }

  /// DataSN of a read, R2TSN of a write.
  package private(set) var gaps: NumberGaps
  /// The target will not send again what is missing: no status is a success any more.
  package private(set) var isForfeited = false
  package private(set) var heldStatus: HeldStatus?
  private var acknowledgement: Acknowledgement?
  private let firstNumber: UInt32
  /// The task goes on over another connection than it began on.
  package private(set) var isReassigned = false
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
    sequenceStart = firstNumber
    nextSequenceStart = firstNumber
  }

  /// Whether a PDU of the task has come: the target has the command, whatever else it says (7.1.4).
  package var isHeardOf: Bool { gaps.next != firstNumber }

  /// Whether a status of GOOD has to wait for data that were asked for.
  package var awaitsPDUs: Bool { !gaps.isEmpty && !isForfeited }

  /// Whether as many PDUs have come as the target says it sent; what it does not count is no news.
  package func hasAll(of count: UInt32) -> Bool {
    gaps.isEmpty && (Int32(bitPattern: count &- gaps.next) <= 0 || countsAnew)
  }

  /// The connection of the task is lost, and another is to take it over.
  ///
  /// Of a read what came before the first hole is kept, and acknowledged by `expDataSN`; what came
  /// behind it, and a status that waited, come again.
  package mutating func reassign(_ direction: TransferState.Direction) {
    gaps = NumberGaps(firstNumber: direction == .read ? gaps.firstMissing : gaps.next)
    (sequenceStart, nextSequenceStart) = (gaps.next, gaps.next)
    heldStatus = nil
    acknowledgement = nil
    isForfeited = false
    isReassigned = true
    countsAnew = direction != .read
    awaitsFirstR2T = countsAnew
  }

  /// What a TASK REASSIGN says of the Data-In that have come: the number of the next (11.5.6).
  package var expDataSN: UInt32 { countsAnew ? 0 : gaps.next }

  /// Takes the number of the first R2T after a reassignment for what the target counts from.
  package mutating func anchor(_ readyToTransfer: ReadyToTransfer) {
    guard awaitsFirstR2T else { return }
    awaitsFirstR2T = false
    gaps = NumberGaps(firstNumber: readyToTransfer.r2tSN)
  }

  /// Counts a Data-In that is new and whole; returns what is to be asked for.
  package mutating func receive(_ dataIn: DataIn) throws(ProtocolViolation) -> Run? {
    if dataIn.requestsAcknowledgement {
      guard dataIn.header.targetTransferTag != .reserved else {
        throw .reservedTransferTag(.dataIn)
      }
      acknowledgement = Acknowledgement(
        targetTransferTag: dataIn.header.targetTransferTag, lun: dataIn.header.word1)
    }
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
    let isOfLastSequence = Int32(bitPattern: dataIn.dataSN &- lastSequenceStart) >= 0
    guard isOfLastSequence || !parameters.dataSequenceInOrder else {
      forfeit()
      return nil
    }
    return loss
  }

  /// Takes the target's count of what it has sent; returns what is to be asked for.
  package mutating func extend(to count: UInt32) throws(ProtocolViolation) -> Run? {
    try gaps.extend(to: count)
  }

  /// Keeps a status of GOOD until its data have come; a task has one.
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
  package mutating func takeAcknowledgement() -> Acknowledgement? {
    guard gaps.isEmpty else { return nil }
    return acknowledgement.take()
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
