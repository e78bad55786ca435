/// The bytes of a medium: chunks that exist once written, zeros (or another byte) everywhere else.
///
/// With `isVolatile` every chunk changed since the last `synchronize` keeps its earlier content,
/// and `losePower` brings that back: what a drive's write cache forgets.
package struct SparseStore: Sendable {
  /// The unit of allocation, in bytes.
  package let chunkByteCount: Int
  /// Whether writes may be lost until synchronised.
  package var isVolatile: Bool
  /// What bytes read as that nobody has written.
  package var absent: UInt8 = 0 {
    didSet {
      if absent != oldValue { hole = [UInt8](repeating: absent, count: chunkByteCount) }
    }
  }
  /// A chunk of these to copy from.
  private var hole: [UInt8]
  private var chunks: [UInt64: [UInt8]] = [:]
  /// What stable storage holds for chunks changed since; nil inside is a hole.
  private var stable: [UInt64: [UInt8]?] = [:]

  package init(chunkByteCount: Int = 64 * 1024, isVolatile: Bool = false) {
    precondition(chunkByteCount > 0, "a chunk has bytes")
    self.chunkByteCount = chunkByteCount
    hole = [UInt8](repeating: 0, count: chunkByteCount)
    self.isVolatile = isVolatile
  }

  /// The bytes allocated.
  package var allocatedByteCount: Int { chunks.count * chunkByteCount }

  /// Whether anything would be lost without power.
  package var hasUnsynchronizedWrites: Bool { !stable.isEmpty }

  /// The numbers of the chunks that exist, in order.
  package var allocatedChunks: [UInt64] { chunks.keys.sorted() }

  package func isAllocated(chunk: UInt64) -> Bool { chunks[chunk] != nil }

  /// Appends `count` bytes from `offset` on to `bytes`.
  package func read(at offset: UInt64, count: Int, into bytes: inout [UInt8]) {
    bytes.reserveCapacity(bytes.count + count)
    for (chunk, range) in pieces(at: offset, count: count) {
      if let content = chunks[chunk] {
        bytes.append(contentsOf: content[range])
      } else {
        bytes.append(contentsOf: hole[range])
      }
    }
  }

  /// Stores `bytes` at `offset`; `throughCache` (FUA) makes exactly these bytes stable at once.
  package mutating func write(_ bytes: ArraySlice<UInt8>, at offset: UInt64, throughCache: Bool) {
    var position = bytes.startIndex
    for (chunk, range) in pieces(at: offset, count: bytes.count) {
      let piece = bytes[position..<position + range.count]
      position += range.count
      preserve(chunk)
      if chunks[chunk] == nil { chunks[chunk] = hole }
      chunks[chunk]?.replaceSubrange(range, with: piece)
      if throughCache, let earlier = stable[chunk] {
        var content = earlier ?? hole
        content.replaceSubrange(range, with: piece)
        stable[chunk] = .some(content)
      }
    }
  }

  /// Makes a range read as what nobody has written, giving chunks wholly inside it back.
  package mutating func deallocate(at offset: UInt64, count: UInt64) {
    guard count > 0 else { return }
    let size = UInt64(chunkByteCount)
    let end = offset + count
    for chunk in chunks.keys where chunk >= offset / size && chunk <= (end - 1) / size {
      preserve(chunk)
      let start = chunk * size
      if start >= offset && start + size <= end {
        chunks[chunk] = nil
      } else {
        let range = Int(max(start, offset) - start)..<Int(min(start + size, end) - start)
        chunks[chunk]?.replaceSubrange(range, with: hole[range])
      }
    }
  }

  /// Makes everything written so far stable.
  package mutating func synchronize() {
    stable.removeAll(keepingCapacity: true)
  }

  /// Goes back to what was stable.
  package mutating func losePower() {
    for (chunk, content) in stable { chunks[chunk] = content }
    stable.removeAll()
  }

  private mutating func preserve(_ chunk: UInt64) {
    guard isVolatile, stable[chunk] == nil else { return }
    stable[chunk] = .some(chunks[chunk])
  }

  /// The parts of a range in the chunks it touches.
  private func pieces(at offset: UInt64, count: Int) -> [(chunk: UInt64, range: Range<Int>)] {
    let size = UInt64(chunkByteCount)
    var (offset, count) = (offset, count)
    var pieces: [(chunk: UInt64, range: Range<Int>)] = []
    while count > 0 {
      let start = Int(offset % size)
      let length = min(count, chunkByteCount - start)
      pieces.append((offset / size, start..<start + length))
      offset += UInt64(length)
      count -= length
    }
    return pieces
  }
}
