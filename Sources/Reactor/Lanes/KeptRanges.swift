import LogicalUnit
import SCSI
import Synchronization

/// Blocks that writes nobody waits for any more may change yet, for the other reactors to see.
///
/// A write whose caller has been answered must not be overtaken by a later one. On its own reactor
/// a range lock sees to that; others look here, which is one load of each while nothing is kept. A
/// reactor has a place for each of its slots and each `KeptWrite`, and writes those alone.
final class KeptRanges: @unchecked Sendable {
  private struct Place: ~Copyable {
    /// The unit's index plus one; 0: nothing is kept.
    let unit = Atomic<UInt32>(0)
    let first = Atomic<UInt64>(0)
    let end = Atomic<UInt64>(0)
  }

  private let counts: FixedArray<Atomic<UInt32>>
  private let places: FixedArray<FixedArray<Place>>

  init(laneCount: Int, slotCount: Int) {
    counts = FixedArray(count: laneCount) { _ in Atomic<UInt32>(0) }
    places = FixedArray(count: laneCount) { _ in
      FixedArray(count: laneCount > 1 ? slotCount : 1) { _ in Place() }
    }
  }

  /// Keeps blocks of a unit; before the caller of their write is answered.
  func keep(_ blocks: BlockRange, unit: Int, lane: Int, slot: Int) {
    places[lane][slot].first.store(blocks.first.rawValue, ordering: .relaxed)
    places[lane][slot].end.store(blocks.end.rawValue, ordering: .relaxed)
    places[lane][slot].unit.store(UInt32(unit) + 1, ordering: .releasing)
    counts[lane].add(1, ordering: .sequentiallyConsistent)
  }

  /// The write has ended, or its nexus is dead.
  func release(lane: Int, slot: Int) {
    places[lane][slot].unit.store(0, ordering: .releasing)
    counts[lane].subtract(1, ordering: .sequentiallyConsistent)
  }

  /// Whether some of these blocks are kept by a reactor, or by another than one of them.
  ///
  /// What is kept while this looks is seen or not: of the two writes neither is the later one.
  func has(_ blocks: BlockRange, unit: Int, besides lane: Int? = nil) -> Bool {
    for other in 0..<counts.count
    where other != lane && counts[other].load(ordering: .sequentiallyConsistent) != 0 {
      for slot in 0..<places[other].count
      where places[other][slot].unit.load(ordering: .acquiring) == UInt32(unit) + 1 {
        let first = places[other][slot].first.load(ordering: .relaxed)
        let end = places[other][slot].end.load(ordering: .relaxed)
        if first < blocks.end.rawValue, blocks.first.rawValue < end { return true }
      }
    }
    return false
  }
}
