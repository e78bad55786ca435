/// How far a unit in doubt has been read back, so that another loss does not have it begin anew.
///
/// A block that was read behind a flush and has what it should is on the medium as far as that
/// flush covers it; whatever is lost later, only what was answered since has to be asked about.
/// Who reads goes around the unit like a hand, and each flush leaves one stretch behind it.
struct FoundBlocks {
  private struct Stretch {
    var first: UInt64
    /// What was answered up to here is on the medium.
    var safeTo: UInt64
    /// Records up to here are not needed for these blocks any more.
    var keptFrom: UInt64
  }

  /// One for each loss while the hand goes round; of more than these some are read again.
  static let stretchLimit = 256

  /// Ascending; each reaches to the next, the last to the end. Before the first: nothing is known.
  private var stretches: [Stretch] = []
  /// Where the hand is.
  private(set) var nextBlock: UInt64 = 0

  /// The position up to which the answered writes of a block are on the medium.
  func safeTo(_ block: UInt64) -> UInt64 {
    let index = index(of: block)
    return index < 0 ? 0 : stretches[index].safeTo
  }

  /// Whether a record is not needed for any of its blocks.
  func outdates(_ record: UnflushedWrites.Record) -> Bool {
    var index = index(of: record.first)
    guard index >= 0 else { return false }
    let end = record.first + UInt64(record.blockCount)
    repeat {
      guard record.answeredAt <= stretches[index].keptFrom else { return false }
      index += 1
    } while index < stretches.count && stretches[index].first < end
    return true
  }

  /// The first of these blocks for which what was answered then is not known to be safe, and those
  /// behind it; nil where there is none.
  func firstUnsafe(_ blocks: Range<UInt64>, answeredAt: UInt64) -> Range<UInt64>? {
    var index = index(of: blocks.lowerBound)
    var first = blocks.lowerBound
    while index >= 0, answeredAt <= stretches[index].safeTo {
      index += 1
      guard index < stretches.count, stretches[index].first < blocks.upperBound else { return nil }
      first = stretches[index].first
    }
    index += 1
    while index < stretches.count, stretches[index].first < blocks.upperBound,
      answeredAt > stretches[index].safeTo
    {
      index += 1
    }
    let end = index < stretches.count ? min(stretches[index].first, blocks.upperBound) : nil
    return first..<(end ?? blocks.upperBound)
  }

  /// The hand has gone over these blocks.
  mutating func note(_ blocks: Range<UInt64>, safeTo: UInt64, keptFrom: UInt64) {
    nextBlock = blocks.upperBound == .max ? 0 : blocks.upperBound
    guard !blocks.isEmpty else { return }
    var fresh = [Stretch(first: blocks.lowerBound, safeTo: safeTo, keptFrom: keptFrom)]
    if blocks.upperBound < .max {
      let last = index(of: blocks.upperBound)
      let after = last < 0 ? Stretch(first: 0, safeTo: 0, keptFrom: 0) : stretches[last]
      fresh.append(
        Stretch(first: blocks.upperBound, safeTo: after.safeTo, keptFrom: after.keptFrom))
    }
    let begin = stretches.firstIndex { $0.first >= blocks.lowerBound } ?? stretches.count
    let end = stretches.firstIndex { $0.first > blocks.upperBound } ?? stretches.count
    stretches.replaceSubrange(begin..<end, with: fresh)
    join()
  }

  /// Has neighbours that say the same be one, and keeps to the bound.
  private mutating func join() {
    var index = 1
    while index < stretches.count {
      if stretches[index].safeTo == stretches[index - 1].safeTo,
        stretches[index].keptFrom == stretches[index - 1].keptFrom
      {
        stretches.remove(at: index)
      } else {
        index += 1
      }
    }
    while stretches.count > Self.stretchLimit {
      let second = stretches.remove(at: 1)
      stretches[0].safeTo = min(stretches[0].safeTo, second.safeTo)
      stretches[0].keptFrom = min(stretches[0].keptFrom, second.keptFrom)
    }
  }

  /// The last stretch that begins at a block or before it; -1: none.
  private func index(of block: UInt64) -> Int {
    var (low, high) = (0, stretches.count)
    while low < high {
      let middle = (low + high) / 2
      if stretches[middle].first <= block { low = middle + 1 } else { high = middle }
    }
    return low - 1
  }
}
