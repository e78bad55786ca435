import ISCSI
import SCSI
import Wire

/// A read at ErrorRecoveryLevel 1 as the reactor keeps it, beside models of its numbers and bytes.
///
/// Its target cuts the data in pieces of one length, in order; of another one where the task goes
/// on over a connection with another MaxRecvDataSegmentLength (`RecoveringRead+Resegmentation`).
struct RecoveringRead {
  /// What becomes of a Data-In.
  enum Admission: Equatable { case taken, duplicate, refused }
  /// What became of one that was admitted; one that is passed by comes again.
  enum Reception: Equatable { case counted, passedBy, givenUp }

  let tag: InitiatorTaskTag
  let length: Int
  /// The length of a piece: our MaxRecvDataSegmentLength on the connection of the task.
  var piece: Int
  private let first: UInt32
  let parameters: NegotiatedParameters
  var recovery: TaskRecovery
  var transfer: TransferState
  var record = TransferRecord()
  var numbers = NumberModel()
  var asked = AskedNumbers()
  var bytes = ByteSet()
  /// Numbers with the F bit, and where the first sequence begins.
  var finals: Set<Int> = []
  var floor = 0
  /// The tag of the last Data-In with the A bit, until it is acknowledged.
  private var owedTag: UInt32?
  var isForfeited = false
  var mayRepeat = false
  /// How often all from the first hole on was asked for.
  var wholesaleCount = 0
  /// The first number not acknowledged, and the bytes before it.
  var acknowledged = (number: 0, length: 0)
  /// The length has changed since some of the data were sent.
  var isResegmented = false
  /// Of the R-Data SNACK the target is to answer, 0 for none; and of the last there was.
  var snackTag: UInt32 = 0
  var lastSNACKTag: UInt32 = 0
  /// The number of the Data-In the target sends next behind an R-Data SNACK.
  private var nextTagged = 0

  init(
    tag: UInt32, first: UInt32, length: Int, piece: Int, parameters: NegotiatedParameters
  ) {
    self.tag = InitiatorTaskTag(rawValue: tag)
    self.first = first
    self.length = length
    self.piece = piece
    self.parameters = parameters
    recovery = TaskRecovery(firstNumber: first)
    transfer = TransferState(direction: .read, expectedLength: UInt32(length))
  }

  /// Another task like this one, of which nothing has come.
  var successor: RecoveringRead {
    RecoveringRead(
      tag: tag.rawValue &+ 0x10, first: first, length: length, piece: piece,
      parameters: parameters)
  }

  var isWhole: Bool { bytes.firstMissing == length }
  var awaitsPDUs: Bool { (!numbers.missing.isEmpty || snackTag != 0) && !isForfeited }
  var isTagged: Bool { snackTag != 0 && !isForfeited }
  var isOrdered: Bool { parameters.dataPDUInOrder && parameters.dataSequenceInOrder }

  func wire(_ number: Int) -> UInt32 { first &+ UInt32(truncatingIfNeeded: number) }

  func number(of wire: UInt32) -> Int {
    numbers.known + Int(Int32(bitPattern: wire &- self.wire(numbers.known)))
  }

  private func run(_ range: Range<Int>) -> NumberGaps.Run? {
    range.isEmpty
      ? nil : NumberGaps.Run(first: wire(range.lowerBound), count: UInt32(range.count))
  }

  /// A Data-In of the target: the next, one that is missing, or nearly so.
  ///
  /// - Parameter how: F, A, a status and whether it is sent again, in bits 0, 1, 2 and 4.
  mutating func dataIn(
    _ how: UInt8, statSN: UInt32, _ input: inout FuzzInput
  ) -> DataIn {
    let missing = numbers.missing
    let isAgain = how & 0x10 != 0 && !missing.isEmpty
    let dataSN =
      isAgain
      ? wire(missing[Int(input.byte()) % missing.count])
      : input.near(wire(isTagged ? nextTagged : numbers.known))
    if isTagged { nextTagged = number(of: dataSN) + 1 }
    // Before the first change of length the numbers count pieces from the beginning.
    let origin = isResegmented ? acknowledged : (number: 0, length: 0)
    let place = origin.length + max(0, number(of: dataSN) - origin.number) * piece
    let offset = input.near(UInt32(truncatingIfNeeded: min(place, length)))
    let asks = how & 0x02 != 0
    var view = DataIn(
      initiatorTaskTag: tag,
      targetTransferTag: TargetTransferTag(rawValue: asks ? input.near(dataSN) : .max),
      isFinal: how & 0x05 != 0, requestsAcknowledgement: asks,
      status: how & 0x04 == 0
        ? nil
        : (
          status: how & 0x40 == 0 ? .good : .checkCondition, statSN: SerialNumber(rawValue: statSN),
          residual: .none
        ), expCmdSN: SerialNumber(rawValue: 1), maxCmdSN: SerialNumber(rawValue: 1),
      dataSN: dataSN, bufferOffset: offset)
    view.header.word1 = UInt64(dataSN) << 8
    view.header.dataSegmentLength = max(0, min(piece, length - Int(offset)))
    if how & 0x80 != 0 { view.header.dataSegmentLength = Int(input.number16() >> 8) }
    return view
  }

  // MARK: - What came

  /// Whether a Data-In is wanted.
  func admit(_ dataIn: DataIn) throws(Disagreement) -> Admission {
    let number = number(of: dataIn.dataSN)
    try agree(recovery.gaps.isNew(dataIn.dataSN), numbers.isNew(number), "DataSN \(number) is new")
    try agree(
      recovery.gaps.isMissing(dataIn.dataSN), numbers.isMissing(number),
      "DataSN \(number) is missing")
    guard isTagged || numbers.isNew(number) else { return .duplicate }
    let isRight = isRoom(for: dataIn)
    do throws(ProtocolViolation) {
      try transfer.check(dataIn, record: record)
    } catch {
      try RecoveringConnection.holdRefusal(error, isRight: !isRight, "Data-In \(number)")
      return .refused
    }
    try hold(isRight, "Data-In \(number) is taken against the set of bytes")
    return .taken
  }

  func range(of dataIn: DataIn) -> Range<Int> {
    let start = Int(dataIn.bufferOffset)
    return start..<start + dataIn.header.dataSegmentLength
  }

  private func isRoom(for dataIn: DataIn) -> Bool {
    let range = range(of: dataIn)
    return range.isEmpty
      || range.upperBound <= length && (mayRepeat || !bytes.overlaps(range))
  }

  /// Counts a Data-In that was admitted and is whole.
  mutating func receive(
    _ dataIn: DataIn, expStatSN: SerialNumber
  ) throws(Disagreement) -> Reception {
    let number = number(of: dataIn.dataSN)
    var after = bytes
    for gap in bytes.gaps(in: range(of: dataIn)) { after.insert(gap) }
    let fits = after.apartCount <= ReadModel.apartLimit
    let isUnanswerable =
      dataIn.requestsAcknowledgement && dataIn.header.targetTransferTag == .reserved
    let hasRoom = numbers.hasRoom(for: number)
    let isRight = (fits || !hasRoom) && !isUnanswerable && numbers.isNear(number)
    let found: NumberGaps.Run?
    do throws(ProtocolViolation) {
      found = try recovery.receive(dataIn)
      if found != .all { try transfer.place(dataIn, record: &record) }
    } catch {
      try RecoveringConnection.holdRefusal(error, isRight: !isRight, "Data-In \(number)")
      return .givenUp
    }
    try hold(isRight, "Data-In \(number) is counted beyond a bound, or has no tag")
    if dataIn.requestsAcknowledgement { owedTag = dataIn.header.targetTransferTag.rawValue }
    if dataIn.header.isFinal { finals.insert(number) }
    guard hasRoom else {
      try agree(found, .all, "missing before DataSN \(number), in too many places")
      return try askForRest(upTo: number + 1, expStatSN) ? .passedBy : .givenUp
    }
    bytes = after
    let missing = numbers.arrive(number)
    try agree(found, run(missing), "missing before DataSN \(number)")
    guard try ask(missing, isAgain: false, expStatSN) else { return .givenUp }
    if !isTagged { try acknowledge(dataIn, expStatSN) }
    return .counted
  }

  /// There are too many holes: all from the first one on is asked for, where it may be; false where
  /// the connection is given up.
  private mutating func askForRest(
    upTo end: Int, _ expStatSN: SerialNumber
  ) throws(Disagreement) -> Bool {
    numbers.join(upTo: end)
    let start = numbers.firstMissing
    asked.forget(from: start)
    asked.cover(numbers.missing)
    guard !isForfeited else { return true }
    guard !isResegmented else { return try askForAll(expStatSN) }
    transfer.expectAgain(from: transfer.receivedLength, parameters: parameters)
    mayRepeat = true
    if isOrdered { bytes = ByteSet(upTo: bytes.firstMissing) }
    let mayAsk = !parameters.dataSequenceInOrder || start >= lastSequenceStart
    let found: NumberGaps.Run?
    do throws(ProtocolViolation) {
      found = try recovery.askForRest(parameters: parameters)
    } catch {
      try RecoveringConnection.holdRefusal(
        error, isRight: mayAsk && wholesaleCount == 3, "everything asked for again")
      return false
    }
    isForfeited = !mayAsk
    try agree(found, mayAsk ? .init(first: wire(start), count: 0) : nil, "all from a hole on")
    guard let found else { return true }
    wholesaleCount += 1
    try hold(wholesaleCount <= 3, "everything is asked for within a bound")
    try SNACKProperties.check(.dataOrR2T, found, task: tag, isAll: true, expStatSN: expStatSN)
    return true
  }

  /// A DataACK is owed for the last A bit alone, and not before every number has come.
  private mutating func acknowledge(
    _ dataIn: DataIn, _ expStatSN: SerialNumber
  ) throws(Disagreement) {
    let found = recovery.takeAcknowledgement(receivedLength: transfer.receivedLength)
    guard numbers.missing.isEmpty, snackTag == 0, let owed = owedTag.take() else {
      return try hold(found == nil, "nothing is acknowledged while data are missing, or unasked")
    }
    guard let found else { throw Disagreement("a DataACK is owed") }
    try agree(found.targetTransferTag.rawValue, owed, "the tag of a DataACK")
    try agree(found.begRun, wire(numbers.known), "BegRun of a DataACK")
    try SNACKProperties.check(
      .dataACK, NumberGaps.Run(first: found.begRun, count: 0), lun: found.lun,
      tag: found.targetTransferTag, expStatSN: expStatSN)
    try hold(recovery.takeAcknowledgement() == nil, "a DataACK is sent once")
    acknowledged = (numbers.known, bytes.firstMissing)
  }

  /// A Data-In that was admitted is damaged: whether it is asked for; nil where the connection is
  /// given up.
  mutating func lose(_ dataIn: DataIn, expStatSN: SerialNumber) throws(Disagreement) -> Bool? {
    let number = number(of: dataIn.dataSN)
    let isAgain = numbers.isMissing(number)
    let isRight = isAgain || numbers.isNear(number + 1)
    let hasRoom = isAgain || numbers.hasRoom(upTo: number + 1)
    let found: (run: NumberGaps.Run, isAgain: Bool)?
    do throws(ProtocolViolation) {
      found = try recovery.lose(dataIn, parameters: parameters)
    } catch {
      try RecoveringConnection.holdRefusal(error, isRight: !isRight, "lost \(number)")
      return nil
    }
    try hold(isRight, "lost Data-In \(number) is kept track of beyond a bound")
    if !hasRoom { numbers.join(upTo: number + 1) }
    let new = numbers.know(upTo: number + 1)
    if dataIn.header.isFinal { finals.insert(number) }
    guard !parameters.dataSequenceInOrder || number >= lastSequenceStart else {
      isForfeited = true
      try hold(found == nil, "a Data-In of an earlier sequence is not asked for: \(number)")
      return false
    }
    guard hasRoom else {
      try agree(found?.run, .all, "what is asked for when too much is missing")
      return try askForRest(upTo: number + 1, expStatSN) ? !isForfeited : nil
    }
    let range = isAgain ? number..<number + 1 : new
    try agree(found?.run, run(range), "what is asked for when DataSN \(number) is lost")
    try agree(found?.isAgain, isAgain, "DataSN \(number) had been asked for")
    return try ask(range, isAgain: isAgain, expStatSN) ? true : nil
  }

  /// The last sequence begins behind the last F bit that is known to be followed by anything.
  var lastSequenceStart: Int {
    (finals.filter { $0 + 1 < numbers.known }.max() ?? floor - 1) + 1
  }

  /// The target says how many it has sent; false where the connection is given up.
  mutating func extend(to count: UInt32, expStatSN: SerialNumber) throws(Disagreement) -> Bool {
    let end = number(of: count)
    let found: NumberGaps.Run?
    do throws(ProtocolViolation) { found = try recovery.extend(to: count) } catch {
      try RecoveringConnection.holdRefusal(
        error, isRight: !numbers.isNear(end), "ExpDataSN \(end)")
      return false
    }
    try hold(numbers.isNear(end), "ExpDataSN \(end) is kept track of beyond a bound")
    guard numbers.hasRoom(upTo: end) else {
      try agree(found, .all, "missing of \(end) that were sent, in too many places")
      return try askForRest(upTo: end, expStatSN)
    }
    let missing = numbers.know(upTo: end)
    try agree(found, run(missing), "missing of \(end) that were sent")
    return try ask(missing, isAgain: false, expStatSN)
  }

  /// What is missing is asked for; false where the connection is given up.
  private mutating func ask(
    _ range: Range<Int>, isAgain: Bool, _ expStatSN: SerialNumber
  ) throws(Disagreement) -> Bool {
    guard let request = run(range) else { return true }
    guard !isResegmented else { return try askForAll(expStatSN) }
    let model = numbers
    try asked.ask(range, isAgain: isAgain) { model.isMissing($0) }
    try SNACKProperties.check(.dataOrR2T, request, task: tag, expStatSN: expStatSN)
    return true
  }

  // MARK: - What follows

  /// The target will not send again what is missing.
  mutating func forfeit() {
    recovery.forfeit()
    isForfeited = true
  }

  /// The target begins anew what an R-Data SNACK asked for.
  mutating func beginTagged(_ tag: UInt32) {
    (snackTag, lastSNACKTag, nextTagged) = (tag, tag, acknowledged.number)
  }

  /// The connection is lost and another takes the task over, where our MaxRecvDataSegmentLength is
  /// `length`.
  mutating func reassign(to length: Int) throws(Disagreement) {
    recovery.reassign(.read, segmentLength: UInt32(piece))
    transfer.reassign(parameters: parameters, record: record)
    let kept = numbers.firstMissing
    numbers.forget(from: kept)
    asked.forget(from: kept)
    if isOrdered { bytes = ByteSet(upTo: bytes.firstMissing) }
    (floor, finals, owedTag) = (kept, [], nil)
    (isForfeited, mayRepeat, snackTag) = (false, true, 0)
    try agree(recovery.expDataSN, wire(kept), "the first Data-In that has not come")
    try hold(recovery.heldStatus == nil, "the status of a reassigned read comes again")
    isResegmented = isResegmented || length != piece
    piece = length
    let keepsAll = recovery.prepareReassignment(segmentLength: UInt32(length))
    try agree(keepsAll, !isResegmented, "what has come counts where nothing is cut otherwise")
    if isResegmented {
      forgetUnacknowledged()
      restart()
    }
    try agree(recovery.expDataSN, wire(numbers.known), "ExpDataSN of a TASK REASSIGN")
    recovery.sentReassignment(receivedLength: transfer.receivedLength)
    if !isResegmented { acknowledged = (kept, bytes.firstMissing) }
  }

  mutating func keep(_ status: TaskRecovery.HeldStatus, of opcode: Opcode) -> Bool {
    (try? recovery.hold(opcode, status, of: tag)) != nil
  }

  mutating func takeHeldStatus() -> TaskRecovery.HeldStatus? { recovery.takeHeldStatus() }

  /// What holds whatever has happened.
  func check() throws(Disagreement) {
    try agree(recovery.gaps.next, wire(numbers.known), "the next DataSN")
    try agree(recovery.gaps.isEmpty, numbers.missing.isEmpty, "no Data-In is missing")
    try agree(recovery.gaps.firstMissing, wire(numbers.firstMissing), "the first that is missing")
    try agree(recovery.awaitsPDUs, awaitsPDUs, "a status of GOOD has to wait")
    try agree(recovery.isForfeited, isForfeited, "forfeited")
    try agree(recovery.isHeardOf, wire(numbers.known) != first, "the target has the command")
    try agree(recovery.isTagged, isTagged, "bytes alone tell what has come")
    for count in max(0, numbers.known - 1)...numbers.known + 1 {
      try agree(
        recovery.hasAll(of: wire(count)),
        numbers.missing.isEmpty && snackTag == 0 && count <= numbers.known,
        "all of \(count) have come")
    }
    try hold(
      isForfeited || asked.holds(all: numbers.missing), "every Data-In missing was asked for")
    try agree(Int(transfer.receivedLength), bytes.firstMissing, "bytes up to the first gap")
    try agree(transfer.isWhole, isWhole, "a read is whole when every byte has come")
  }
}
