/// A read as the set of its bytes that have come.
///
/// Source: RFC 7143, 11.7.5, 13.18 and 13.19.
struct ReadModel {
  /// Pieces a task keeps track of that lie apart from each other and from the beginning.
  static let apartLimit = 64

  let expectedLength: Int
  let order: DataOrder
  private(set) var pduCount = 0
  private(set) var arrived = ByteSet()
  /// Where the last data ended.
  private(set) var lastEnd = 0
  /// Data have come of a sequence that has not ended.
  private var isInSequence = false

  init(expectedLength: Int, order: DataOrder = DataOrder()) {
    self.expectedLength = expectedLength
    self.order = order
  }

  var isWhole: Bool { arrived.firstMissing == expectedLength }

  /// The next PDU by number, whose bytes are missing, inside, and where the order wants them.
  func takes(dataSN: UInt32, offset: UInt32, length: Int, isFinal: Bool) -> Bool {
    guard Int(dataSN) == pduCount else { return false }
    var after = arrived
    if length > 0 {
      let piece = Int(offset)..<Int(offset) + length
      guard piece.upperBound <= expectedLength, !arrived.overlaps(piece),
        isNext(piece.lowerBound)
      else { return false }
      after.insert(piece)
    }
    guard after.apartCount <= Self.apartLimit else { return false }
    // What a sequence in order leaves out comes in none after it.
    return !order.sequenceInOrder || !isFinal || after.apartCount == 0
  }

  /// Whether the order lets data begin at `offset`.
  private func isNext(_ offset: Int) -> Bool {
    guard order.pduInOrder else { return true }
    // The first byte missing, where nothing behind it has come, is next for whatever sequence.
    let continuesAll = arrived.apartCount == 0 && offset == arrived.firstMissing
    if order.sequenceInOrder { return continuesAll }
    return continuesAll || !isInSequence || offset == lastEnd
  }

  mutating func receive(offset: UInt32, length: Int, isFinal: Bool) {
    pduCount += 1
    if length > 0 {
      arrived.insert(Int(offset)..<Int(offset) + length)
      lastEnd = Int(offset) + length
      isInSequence = true
    }
    if isFinal { isInSequence = false }
  }
}
