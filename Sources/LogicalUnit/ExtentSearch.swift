import SCSI

/// Finds where the next data or the next hole begins, from what GET LBA STATUS says (lseek(2)).
///
/// A machine: `question` says which blocks to ask about, `learned` takes the answer, until there is
/// an outcome. What is not told, or told too slowly, counts as data: a reader then reads zeros,
/// and misses nothing.
package struct ExtentSearch: BitwiseCopyable, Sendable {
  package enum Target: UInt8, BitwiseCopyable, Sendable {
    case data
    /// The end of the medium is a hole too.
    case hole
  }

  package enum Outcome: BitwiseCopyable, Hashable, Sendable {
    case found(offset: UInt64)
    /// No data up to the end: ENXIO.
    case none
  }

  /// The most answers one search takes.
  static let questionLimit: UInt16 = 4096

  private let target: Target
  private let geometry: Geometry
  /// Where what is wanted may begin, in bytes.
  private var position: UInt64
  private var questionsLeft = questionLimit

  /// Searches from `offset` on, which traps unless it lies on the medium.
  package init(for target: Target, from offset: UInt64, geometry: Geometry) {
    precondition(offset < geometry.capacityBytes, "a search begins on the medium")
    self.target = target
    self.geometry = geometry
    position = offset
  }

  /// A search of nothing.
  package static let none = ExtentSearch(for: .data, from: 0, geometry: .none)

  /// The blocks nothing is known of yet.
  package var question: BlockRange {
    let first = position >> UInt64(geometry.logicalBlockShift)
    return BlockRange(first: LogicalBlockAddress(first), count: geometry.blockCount - first)
  }

  /// The outcome when everything from here on is data.
  package var outcomeWithoutAnswer: Outcome {
    .found(offset: target == .data ? position : geometry.capacityBytes)
  }

  /// GET LBA STATUS has answered the question; nil: the next one is to be asked.
  package mutating func learned(_ answer: borrowing RawSpan) -> Outcome? {
    let asked = question
    var next = asked.first
    var index = 0
    while let extent = LBAStatusData.extent(at: index, of: answer, from: next, to: asked.end) {
      index += 1
      if extent.status.isHole == (target == .hole) { return .found(offset: position) }
      next = next.advanced(by: extent.count)
      position = next.rawValue << UInt64(geometry.logicalBlockShift)
    }
    if next == asked.end {
      return target == .data ? Outcome.none : .found(offset: geometry.capacityBytes)
    }
    questionsLeft -= 1
    return index == 0 || questionsLeft == 0 ? outcomeWithoutAnswer : nil
  }
}
