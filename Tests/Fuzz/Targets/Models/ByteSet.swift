/// Some of a transfer's bytes, kept as the pieces they came in.
///
/// Slow and obvious: every question sorts the pieces anew.
struct ByteSet: Equatable {
  private var pieces: [Range<Int>] = []

  init() {}

  /// The first `end` bytes.
  init(upTo end: Int) { insert(0..<end) }

  /// Adds a piece none of whose bytes is there yet.
  mutating func insert(_ piece: Range<Int>) {
    if !piece.isEmpty { pieces.append(piece) }
  }

  func overlaps(_ range: Range<Int>) -> Bool { pieces.contains { $0.overlaps(range) } }

  func contains(_ range: Range<Int>) -> Bool {
    runs.contains { $0.lowerBound <= range.lowerBound && range.upperBound <= $0.upperBound }
  }

  /// The pieces in order; those that touch are one.
  var runs: [Range<Int>] {
    var runs: [Range<Int>] = []
    for piece in pieces.sorted(by: { $0.lowerBound < $1.lowerBound }) {
      if let last = runs.last, last.upperBound == piece.lowerBound {
        runs[runs.count - 1] = last.lowerBound..<piece.upperBound
      } else {
        runs.append(piece)
      }
    }
    return runs
  }

  /// Where the first byte is missing.
  var firstMissing: Int { runs.first.flatMap { $0.lowerBound == 0 ? $0.upperBound : nil } ?? 0 }

  /// Runs that do not begin with the transfer.
  var apartCount: Int { runs.count { $0.lowerBound > 0 } }

  /// The parts of `range` that are missing.
  func gaps(in range: Range<Int>) -> [Range<Int>] {
    var gaps: [Range<Int>] = []
    var start = range.lowerBound
    for run in runs where run.overlaps(range) {
      if start < run.lowerBound { gaps.append(start..<run.lowerBound) }
      start = max(start, run.upperBound)
    }
    if start < range.upperBound { gaps.append(start..<range.upperBound) }
    return gaps
  }

  /// Bytes missing from `offset` on, up to the next that is there or to `end`.
  func room(at offset: Int, end: Int) -> Int {
    if overlaps(offset..<offset + 1) { return 0 }
    let next = pieces.map(\.lowerBound).filter { $0 >= offset }.min() ?? end
    return max(0, min(next, end) - offset)
  }
}

/// What was negotiated of a transfer's order (RFC 7143, 13.18 and 13.19).
struct DataOrder {
  var pduInOrder = true
  var sequenceInOrder = true
}
