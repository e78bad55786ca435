/// Parts of a snapshot in the order of their keys, as a value.
///
/// Of ten thousand parts one can be changed, and what changed between two lists be found, for the
/// price of a few hundred: a list is made of chunks that its copies share.
package struct SnapshotList<Part: SnapshotPart>: Sendable {
  /// The most parts of a chunk; a longer one is split in half.
  static var chunkCapacity: Int { 64 }

  /// Some neighbours; never empty, never changed.
  final class Chunk: Sendable {
    let parts: [Part]

    init(_ parts: some Sequence<Part>) {
      self.parts = Array(parts)
      precondition(!self.parts.isEmpty)
    }

    var firstKey: Part.Key { parts[0].key }

    /// The first part whose key is not below `key`, `parts.count` when there is none.
    func position(of key: Part.Key) -> Int {
      var (low, high) = (0, parts.count)
      while low < high {
        let middle = (low + high) / 2
        if parts[middle].key < key { low = middle + 1 } else { high = middle }
      }
      return low
    }
  }

  private(set) var chunks: [Chunk] = []
  package private(set) var count = 0

  package init() {}

  /// The parts in their order; of several with one key the first.
  package init(_ parts: some Sequence<Part>) {
    var sorted: [Part] = []
    for part in parts.sorted(by: { $0.key < $1.key }) where sorted.last?.key != part.key {
      sorted.append(part)
    }
    count = sorted.count
    var rest = sorted[...]
    while !rest.isEmpty {
      chunks.append(Chunk(rest.prefix(Self.chunkCapacity / 2)))
      rest = rest.dropFirst(Self.chunkCapacity / 2)
    }
  }

  /// The part with this key; setting nil takes it out.
  package subscript(key: Part.Key) -> Part? {
    get {
      guard let place = find(key) else { return nil }
      let parts = chunks[place.chunk].parts
      return place.position < parts.count && parts[place.position].key == key
        ? parts[place.position] : nil
    }
    set {
      if let newValue { put(newValue) } else { remove(key) }
    }
  }

  /// Puts a part where its key says, in the place of the one that stood there.
  package mutating func put(_ part: Part) {
    guard let (index, position) = find(part.key) else {
      chunks = [Chunk(CollectionOfOne(part))]
      count = 1
      return
    }
    var parts = chunks[index].parts
    if position < parts.count, parts[position].key == part.key {
      parts[position] = part
    } else {
      parts.insert(part, at: position)
      count += 1
    }
    guard parts.count > Self.chunkCapacity else {
      chunks[index] = Chunk(parts)
      return
    }
    let half = parts.count / 2
    chunks[index] = Chunk(parts[..<half])
    chunks.insert(Chunk(parts[half...]), at: index + 1)
  }

  private mutating func remove(_ key: Part.Key) {
    guard let (index, position) = find(key) else { return }
    var parts = chunks[index].parts
    guard position < parts.count, parts[position].key == key else { return }
    parts.remove(at: position)
    count -= 1
    if parts.isEmpty { chunks.remove(at: index) } else { chunks[index] = Chunk(parts) }
  }

  /// The chunk a key belongs to and where in it; nil when there are no chunks.
  private func find(_ key: Part.Key) -> (chunk: Int, position: Int)? {
    guard !chunks.isEmpty else { return nil }
    var (low, high) = (1, chunks.count)
    while low < high {
      let middle = (low + high) / 2
      if key < chunks[middle].firstKey { high = middle } else { low = middle + 1 }
    }
    return (low - 1, chunks[low - 1].position(of: key))
  }
}

extension SnapshotList: Equatable {
  /// Lists that share a chunk are not compared there.
  package static func == (left: SnapshotList, right: SnapshotList) -> Bool {
    left.count == right.count && left.forEachChange(since: right) { _, _ in false }
  }
}

extension SnapshotList: ExpressibleByArrayLiteral {
  package init(arrayLiteral parts: Part...) { self.init(parts) }
}

extension SnapshotList: BidirectionalCollection {
  /// A chunk and a place in it.
  package struct Index: Comparable {
    var chunk: Int
    var position: Int

    package static func < (left: Index, right: Index) -> Bool {
      (left.chunk, left.position) < (right.chunk, right.position)
    }
  }

  package var startIndex: Index { Index(chunk: 0, position: 0) }
  package var endIndex: Index { Index(chunk: chunks.count, position: 0) }

  package subscript(index: Index) -> Part { chunks[index.chunk].parts[index.position] }

  package func index(after index: Index) -> Index {
    index.position + 1 < chunks[index.chunk].parts.count
      ? Index(chunk: index.chunk, position: index.position + 1)
      : Index(chunk: index.chunk + 1, position: 0)
  }

  package func index(before index: Index) -> Index {
    index.position > 0
      ? Index(chunk: index.chunk, position: index.position - 1)
      : Index(chunk: index.chunk - 1, position: chunks[index.chunk - 1].parts.count - 1)
  }
}
