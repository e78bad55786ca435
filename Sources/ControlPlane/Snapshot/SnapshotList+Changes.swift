/// What lies between two lists.
extension SnapshotList {
  /// Calls `body` with every part that came (nil first), went (nil second) or changed since `old`,
  /// in order, until it answers false; false when it did.
  ///
  /// Chunks both lists have are passed over.
  @discardableResult
  package func forEachChange(
    since old: SnapshotList, _ body: (_ before: Part?, _ after: Part?) -> Bool
  ) -> Bool {
    let (oldChunks, newChunks) = Self.differing(old.chunks, chunks)
    var before = oldChunks.lazy.flatMap(\.parts).makeIterator()
    var after = newChunks.lazy.flatMap(\.parts).makeIterator()
    var (left, right) = (before.next(), after.next())
    while left != nil || right != nil {
      var goesOn = true
      if let here = left, let there = right, here.key == there.key {
        if here != there { goesOn = body(here, there) }
        (left, right) = (before.next(), after.next())
      } else if let here = left, right.map({ here.key < $0.key }) ?? true {
        goesOn = body(here, nil)
        left = before.next()
      } else {
        goesOn = body(nil, right)
        right = after.next()
      }
      guard goesOn else { return false }
    }
    return true
  }

  /// How many chunks are not those of `old`: what a change has cost.
  package func ownChunkCount(beside old: SnapshotList) -> Int {
    Self.differing(old.chunks, chunks).new.count
  }

  /// The chunks of each list that the other does not have.
  private static func differing(_ old: [Chunk], _ new: [Chunk]) -> (old: [Chunk], new: [Chunk]) {
    var start = 0
    while start < Swift.min(old.count, new.count), old[start] === new[start] { start += 1 }
    var end = 0
    while end < Swift.min(old.count, new.count) - start,
      old[old.count - 1 - end] === new[new.count - 1 - end]
    { end += 1 }
    let (old, new) = (old[start..<(old.count - end)], new[start..<(new.count - end)])
    let (known, present) = (
      Set(old.map(ObjectIdentifier.init)), Set(new.map(ObjectIdentifier.init))
    )
    return (
      old.filter { !present.contains(ObjectIdentifier($0)) },
      new.filter { !known.contains(ObjectIdentifier($0)) }
    )
  }
}
