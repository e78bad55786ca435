/// A read as a map of its bytes: which have come.
///
/// Source: RFC 7143, 11.7.5 and 13.18, 13.19 with both keys at Yes.
struct ReadModel {
  let expectedLength: Int
  private(set) var pduCount = 0
  private(set) var received = 0
  /// One entry a byte; nil where the transfer is too long for a map.
  private var map: [Bool]?

  init(expectedLength: Int, hasMap: Bool) {
    self.expectedLength = expectedLength
    map = hasMap ? [Bool](repeating: false, count: expectedLength) : nil
  }

  /// The next PDU by number, and bytes that are missing, inside, and next in order.
  func takes(dataSN: UInt32, offset: UInt32, length: Int) -> Bool {
    guard Int(dataSN) == pduCount % (1 << 32) else { return false }
    guard length > 0 else { return true }
    let range = Int(offset)..<Int(offset) + length
    guard range.upperBound <= expectedLength else { return false }
    guard let map else { return range.lowerBound == received }
    return !map[range].contains(true) && !map[..<range.lowerBound].contains(false)
  }

  mutating func receive(offset: UInt32, length: Int) {
    pduCount += 1
    received += length
    guard length > 0 else { return }
    for index in Int(offset)..<Int(offset) + length { map?[index] = true }
  }

  var isWhole: Bool {
    map.map { !$0.contains(false) } ?? (received == expectedLength)
  }
}
