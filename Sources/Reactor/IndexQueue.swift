/// A first-in, first-out queue of small numbers with a fixed capacity.
struct IndexQueue: ~Copyable {
  private let storage: FixedArray<UInt16>
  private let mask: Int
  private var first = 0
  private(set) var count = 0

  /// - Parameter capacity: a power of two.
  init(capacity: Int) {
    precondition(capacity > 0 && capacity & (capacity - 1) == 0, "a power of two")
    storage = FixedArray(count: capacity) { _ in 0 }
    mask = capacity - 1
  }

  var isEmpty: Bool { count == 0 }

  /// Adds `index` at the end; a full queue traps: its capacity is that of what can be in it.
  mutating func append(_ index: UInt16) {
    precondition(count <= mask, "the queue holds as much as there can be")
    storage[(first &+ count) & mask] = index
    count += 1
  }

  /// Adds `index` at the front.
  mutating func prepend(_ index: UInt16) {
    precondition(count <= mask, "the queue holds as much as there can be")
    first = (first &- 1) & mask
    storage[first] = index
    count += 1
  }

  /// The first index, still in the queue; nil when there is none.
  var peek: UInt16? { count == 0 ? nil : storage[first] }

  /// Takes the first index out; nil when there is none.
  mutating func popFirst() -> UInt16? {
    guard count > 0 else { return nil }
    let index = storage[first]
    first = (first &+ 1) & mask
    count -= 1
    return index
  }

  mutating func removeAll() {
    first = 0
    count = 0
  }

  /// Takes `index` out wherever it stands; the order of the rest stays.
  mutating func remove(_ index: UInt16) {
    for _ in 0..<count {
      guard let next = popFirst() else { return }
      if next != index { append(next) }
    }
  }
}
