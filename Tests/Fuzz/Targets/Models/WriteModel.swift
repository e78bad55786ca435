/// A write as two sets of its bytes: those the target may have, and those that were sent.
///
/// Source: RFC 7143, 11.8, 13.17 and 13.19.
struct WriteModel {
  private struct Request {
    var tag: UInt32
    var range: Range<Int>
    var sent = 0
    var pduCount = 0
  }

  /// What a task holds at most, whatever was negotiated.
  private static let requestCapacity = 64

  let expectedLength: Int
  let order: DataOrder
  /// R2Ts taken so far.
  private(set) var requestCount = 0
  /// What may be sent, or was.
  private(set) var asked = ByteSet()
  private(set) var lastEnd: Int
  private var sent = ByteSet()
  private var requests: [Request] = []

  init(
    expectedLength: Int, order: DataOrder = DataOrder(), immediate: Int, unsolicited: Int
  ) {
    self.expectedLength = expectedLength
    self.order = order
    lastEnd = immediate + unsolicited
    sent.insert(0..<immediate)
    asked.insert(0..<immediate)
    guard unsolicited > 0 else { return }
    asked.insert(immediate..<lastEnd)
    requests.append(Request(tag: 0xFFFF_FFFF, range: immediate..<lastEnd))
  }

  var hasBurst: Bool { !requests.isEmpty }

  /// Every byte was asked for.
  var isWhole: Bool { asked.firstMissing == expectedLength }

  /// Every byte asked for was sent.
  var isSent: Bool { sent.runs == asked.runs }

  func takes(
    r2tSN: UInt32, tag: UInt32, offset: Int, length: Int, maxBurstLength: Int, maxOutstanding: Int
  ) -> Bool {
    guard Int(r2tSN) == requestCount, tag != 0xFFFF_FFFF, (1...maxBurstLength).contains(length),
      offset + length <= expectedLength, !asked.overlaps(offset..<offset + length)
    else { return false }
    let outstanding = requests.count { $0.tag != 0xFFFF_FFFF }
    guard outstanding < min(maxOutstanding, Self.requestCapacity) else { return false }
    if order.sequenceInOrder { return asked.apartCount == 0 && offset == asked.firstMissing }
    var after = asked
    after.insert(offset..<offset + length)
    return after.apartCount <= ReadModel.apartLimit
  }

  mutating func ask(tag: UInt32, offset: Int, length: Int) {
    requestCount += 1
    lastEnd = offset + length
    asked.insert(offset..<lastEnd)
    requests.append(Request(tag: tag, range: offset..<lastEnd))
  }

  /// A Data-Out belongs to the oldest request, goes on where that one's last ended, and sends no
  /// byte twice.
  mutating func send(
    tag: UInt32, offset: Int, length: Int, dataSN: Int, isFinal: Bool
  ) throws(Disagreement) {
    guard let request = requests.first else { throw Disagreement("Data-Out nobody asked for") }
    let range = offset..<offset + length
    try agree(tag, request.tag, "Target Transfer Tag of Data-Out")
    try agree(offset, request.range.lowerBound + request.sent, "Buffer Offset of Data-Out")
    try agree(dataSN, request.pduCount, "DataSN of Data-Out")
    try hold(range.upperBound <= request.range.upperBound, "Data-Out stays in its request")
    try agree(isFinal, range.upperBound == request.range.upperBound, "F ends the request")
    try hold(asked.contains(range), "no byte is sent that was not asked for")
    try hold(!sent.overlaps(range), "no byte is sent twice")
    sent.insert(range)
    requests[0].sent += length
    requests[0].pduCount += 1
    if isFinal { requests.removeFirst() }
  }
}
