/// A write as a map of its bytes: which the target may have, by which request, and which were sent.
///
/// Source: RFC 7143, 11.8 and 13.17, 13.19 with DataSequenceInOrder at Yes.
struct WriteModel {
  private struct Request {
    var tag: UInt32
    var range: Range<Int>
    var sent = 0
    var pduCount = 0
  }

  private enum Mark { case unasked, asked, sent }

  /// What a task holds at most, whatever was negotiated.
  private static let requestCapacity = 64

  let expectedLength: Int
  /// R2Ts taken so far.
  private(set) var requestCount = 0
  /// Bytes that may be sent, from the first on.
  private(set) var asked: Int
  private var requests: [Request] = []
  private var map: [Mark]?

  init(expectedLength: Int, hasMap: Bool, immediate: Int, unsolicited: Int) {
    self.expectedLength = expectedLength
    asked = immediate + unsolicited
    if unsolicited > 0 {
      requests.append(Request(tag: 0xFFFF_FFFF, range: immediate..<immediate + unsolicited))
    }
    guard hasMap else { return }
    map =
      [Mark](repeating: .sent, count: immediate)
      + [Mark](repeating: .asked, count: unsolicited)
      + [Mark](repeating: .unasked, count: expectedLength - immediate - unsolicited)
  }

  var hasBurst: Bool { !requests.isEmpty }

  var isWhole: Bool { map.map { !$0.contains(.unasked) } ?? (asked == expectedLength) }

  func takes(
    r2tSN: UInt32, tag: UInt32, offset: Int, length: Int, maxBurstLength: Int, maxOutstanding: Int
  ) -> Bool {
    guard Int(r2tSN) == requestCount, tag != 0xFFFF_FFFF, (1...maxBurstLength).contains(length),
      offset + length <= expectedLength
    else { return false }
    let outstanding = requests.count { $0.tag != 0xFFFF_FFFF }
    guard outstanding < min(maxOutstanding, Self.requestCapacity) else { return false }
    guard let map else { return offset == asked }
    return map[offset..<offset + length].allSatisfy { $0 == .unasked }
      && !map[..<offset].contains(.unasked)
  }

  mutating func ask(tag: UInt32, offset: Int, length: Int) {
    requestCount += 1
    asked += length
    requests.append(Request(tag: tag, range: offset..<offset + length))
    guard map != nil else { return }
    for index in offset..<offset + length { map?[index] = .asked }
  }

  /// A Data-Out belongs to the oldest request, goes on where that one's last ended, and sends no
  /// byte twice.
  mutating func send(
    tag: UInt32, offset: Int, length: Int, dataSN: Int, isFinal: Bool
  ) throws(Disagreement) {
    guard let request = requests.first else { throw Disagreement("Data-Out nobody asked for") }
    try agree(tag, request.tag, "Target Transfer Tag of Data-Out")
    try agree(offset, request.range.lowerBound + request.sent, "Buffer Offset of Data-Out")
    try agree(dataSN, request.pduCount, "DataSN of Data-Out")
    try hold(offset + length <= request.range.upperBound, "Data-Out stays in its request")
    try agree(isFinal, offset + length == request.range.upperBound, "F ends the request")
    if let map {
      try hold(
        map[offset..<offset + length].allSatisfy { $0 == .asked }, "no byte is sent twice")
      for index in offset..<offset + length { self.map?[index] = .sent }
    }
    requests[0].sent += length
    requests[0].pduCount += 1
    if isFinal { requests.removeFirst() }
  }
}
