import ISCSI
import SCSI
import Wire

/// A write at ErrorRecoveryLevel 1 as the reactor keeps it, beside models of its numbers and bytes:
/// R2Ts that are lost, late or doubled, bytes asked for more than once.
struct RecoveringWrite {
  private struct Request {
    var tag: UInt32
    var range: Range<Int>
    var pduCount = 0
  }

  private static let task = InitiatorTaskTag(rawValue: 5)
  private static let expStatSN = SerialNumber(rawValue: 9)

  private let length: Int
  private let parameters: NegotiatedParameters
  private var recovery: TaskRecovery
  private var transfer: TransferState
  private var record = TransferRecord()
  private var first: UInt32
  private var numbers = NumberModel()
  private var asked = AskedNumbers()
  private var awaitsFirst = false
  private var isReassigned = false
  /// What is counted as sent or to be sent, and what was sent.
  private var covered = ByteSet()
  private var sent = ByteSet()
  private var requests: [Request] = []

  static func check(
    _ parameters: NegotiatedParameters, _ input: inout FuzzInput
  ) throws(Disagreement) {
    var parameters = parameters
    parameters.maxBurstLength = 1 + UInt32(input.number16() >> 4)
    var write = RecoveringWrite(
      first: input.near(0), length: Int(input.number16() >> 4), immediate: Int(input.byte()),
      unsolicited: Int(input.byte()), parameters)
    for _ in 0..<RecoveryProperties.operationLimit where !input.isEmpty {
      let choice = input.byte()
      switch choice {
      case 0..<0xA0: guard try write.receive(choice, &input) else { return }
      case 0xA0..<0xF8: try write.send(maximumLength: 1 + UInt32(input.number16() >> 5))
      default: write.reassign()
      }
      try write.check()
    }
    while write.transfer.hasBurst { try write.send(maximumLength: 512) }
    try write.check()
  }

  private init(
    first: UInt32, length: Int, immediate: Int, unsolicited: Int,
    _ parameters: NegotiatedParameters
  ) {
    self.first = first
    self.length = length
    self.parameters = parameters
    recovery = TaskRecovery(firstNumber: first)
    transfer = TransferState(direction: .write, expectedLength: UInt32(length))
    let immediate = min(immediate, length)
    let unsolicited = min(unsolicited, length - immediate)
    transfer.begin(
      immediateLength: UInt32(immediate), unsolicitedLength: UInt32(unsolicited), record: &record)
    sent = ByteSet(upTo: immediate)
    covered = ByteSet(upTo: immediate + unsolicited)
    guard unsolicited > 0 else { return }
    requests = [Request(tag: .max, range: immediate..<immediate + unsolicited)]
  }

  private func wire(_ number: Int) -> UInt32 { first &+ UInt32(truncatingIfNeeded: number) }

  private func number(of wire: UInt32) -> Int {
    numbers.known + Int(Int32(bitPattern: wire &- self.wire(numbers.known)))
  }

  /// An R2T, mostly legal; false where the connection is given up.
  private mutating func receive(
    _ choice: UInt8, _ input: inout FuzzInput
  ) throws(Disagreement) -> Bool {
    let missing = numbers.missing
    let r2tSN =
      choice & 1 != 0 && !missing.isEmpty
      ? wire(missing[Int(input.byte()) % missing.count]) : input.near(wire(numbers.known))
    let start =
      choice & 2 != 0 ? covered.firstMissing : Int(input.number16()) % (length + 1)
    let request = TransferProperties.readyToTransfer(
      r2tSN: r2tSN, tag: input.near(r2tSN | 1 << 20), offset: UInt32(start),
      length: UInt32(input.number16() >> 6))
    recovery.anchor(request)
    if awaitsFirst {
      (first, numbers, asked, awaitsFirst) = (r2tSN, NumberModel(), AskedNumbers(), false)
    }
    let number = number(of: r2tSN)
    try agree(recovery.gaps.isNew(r2tSN), numbers.isNew(number), "R2TSN \(number) is new")
    guard numbers.isNew(number) else { return true }
    let range = start..<start + Int(request.desiredDataTransferLength)
    let tag = request.header.targetTransferTag.rawValue
    let isRight = isLegal(tag, range) && numbers.isNear(number)
    let found: NumberGaps.Run?
    do throws(ProtocolViolation) {
      try transfer.receiveAgain(request, parameters: parameters, record: &record)
      found = try recovery.receive(request)
    } catch {
      try RecoveringConnection.holdRefusal(error, isRight: !isRight, "R2T \(number) for \(range)")
      return false
    }
    try hold(isRight, "R2T \(number) for \(range) is taken")
    guard numbers.hasRoom(for: number) else {
      // The connection is given up.
      try agree(found, .all, "R2Ts missing in too many places")
      return false
    }
    for gap in covered.gaps(in: range) { covered.insert(gap) }
    requests.append(Request(tag: tag, range: range))
    try askFor(numbers.arrive(number), found)
    return true
  }

  private func isLegal(_ tag: UInt32, _ range: Range<Int>) -> Bool {
    guard tag != .max, !range.isEmpty, range.count <= Int(parameters.maxBurstLength),
      range.upperBound <= length, requests.count(where: { $0.tag != .max }) < 64
    else { return false }
    var after = covered
    for gap in covered.gaps(in: range) { after.insert(gap) }
    return after.apartCount <= ReadModel.apartLimit
  }

  private mutating func askFor(
    _ missing: Range<Int>, _ found: NumberGaps.Run?
  ) throws(Disagreement) {
    let run =
      missing.isEmpty
      ? nil : NumberGaps.Run(first: wire(missing.lowerBound), count: UInt32(missing.count))
    try agree(found, run, "R2Ts missing")
    guard let run else { return }
    let model = numbers
    try asked.ask(missing, isAgain: false) { model.isMissing($0) }
    try SNACKProperties.check(.dataOrR2T, run, task: Self.task, expStatSN: Self.expStatSN)
  }

  /// The next Data-Out goes on where the oldest request is.
  private mutating func send(maximumLength: UInt32) throws(Disagreement) {
    try agree(transfer.hasBurst, !requests.isEmpty, "something may be sent")
    guard let request = requests.first else { return }
    let (burst, length, isFinal) = transfer.nextSegment(
      maximumLength: maximumLength, record: &record)
    try agree(burst.targetTransferTag.rawValue, request.tag, "Target Transfer Tag of Data-Out")
    try agree(Int(burst.offset), request.range.lowerBound, "Buffer Offset of Data-Out")
    try agree(Int(burst.dataSN), request.pduCount, "DataSN of Data-Out")
    try agree(Int(length), min(request.range.count, Int(maximumLength)), "length of Data-Out")
    try agree(isFinal, Int(length) == request.range.count, "F of Data-Out")
    let end = request.range.lowerBound + Int(length)
    for gap in sent.gaps(in: request.range.lowerBound..<end) { sent.insert(gap) }
    requests[0].range = end..<request.range.upperBound
    requests[0].pduCount += 1
    if isFinal { requests.removeFirst() }
  }

  private mutating func reassign() {
    recovery.reassign(.write)
    transfer.reassign(parameters: parameters, record: record)
    first = wire(numbers.known)
    (numbers, asked) = (NumberModel(), AskedNumbers())
    (awaitsFirst, isReassigned) = (true, true)
    // What was asked for and has not left is asked for again; what lies behind it as well.
    if let start = requests.map(\.range.lowerBound).min() {
      covered = ByteSet(upTo: min(covered.firstMissing, start))
    }
    requests = []
  }

  private func check() throws(Disagreement) {
    let isWhole = covered.firstMissing == length && requests.isEmpty
    try agree(transfer.isWhole, isWhole, "a write is whole when every byte was asked for and sent")
    if isWhole { try agree(sent.firstMissing, length, "what is whole was sent") }
    try agree(recovery.gaps.isEmpty, numbers.missing.isEmpty, "no R2T is missing")
    try agree(recovery.gaps.next, wire(numbers.known), "the next R2TSN")
    try hold(asked.holds(all: numbers.missing), "every R2T missing was asked for")
    try agree(
      recovery.hasAll(of: wire(numbers.known + 1)), numbers.missing.isEmpty && isReassigned,
      "one more R2T than came is missing, but in a count that began anew")
    if isReassigned { try agree(recovery.expDataSN, 0, "ExpDataSN of a write's TASK REASSIGN") }
  }
}
