/// Places with a generation, each lent to one owner at a time.
///
/// A place given back is lent again with the next generation; one whose generations are used up
/// stays empty, so that no pair of index and generation is ever lent twice.
struct HandleTable {
  private struct Slot {
    var generation: UInt16
    var owner: String?
  }

  private let capacity: Int
  private var slots: [Slot] = []
  /// Places given back that may be lent again, the last first.
  private var free: [UInt16] = []

  init(capacity: Int) {
    precondition(capacity > 0 && capacity <= 1 << 16, "an index has 16 bits")
    self.capacity = capacity
  }

  /// Whether a place could be lent.
  var hasRoom: Bool { !free.isEmpty || slots.count < capacity }

  /// The place given back last, else a new one; nil when all are taken.
  mutating func lend(to owner: String) -> (index: UInt16, generation: UInt16)? {
    if let index = free.popLast() {
      slots[Int(index)].generation += 1
      slots[Int(index)].owner = owner
      return (index, slots[Int(index)].generation)
    }
    guard slots.count < capacity else { return nil }
    slots.append(Slot(generation: 1, owner: owner))
    return (UInt16(slots.count - 1), 1)
  }

  /// Gives a place back; an old generation changes nothing.
  mutating func release(index: UInt16, generation: UInt16) {
    guard owner(index: index, generation: generation) != nil else { return }
    slots[Int(index)].owner = nil
    if generation < .max { free.append(index) }
  }

  /// Gives a place back whose pair nobody was told of: the same pair is lent again.
  mutating func giveBack(unused index: UInt16, generation: UInt16) {
    guard owner(index: index, generation: generation) != nil else { return }
    slots[Int(index)].owner = nil
    slots[Int(index)].generation -= 1
    free.append(index)
  }

  /// Who has the place, nil for an old generation.
  func owner(index: UInt16, generation: UInt16) -> String? {
    guard Int(index) < slots.count, slots[Int(index)].generation == generation else { return nil }
    return slots[Int(index)].owner
  }

  /// True when the pair was lent once and is not any more.
  func isStale(index: UInt16, generation: UInt16) -> Bool {
    guard Int(index) < slots.count, generation >= 1 else { return false }
    let slot = slots[Int(index)]
    return generation < slot.generation || (generation == slot.generation && slot.owner == nil)
  }
}
