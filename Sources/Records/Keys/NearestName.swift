/// Finds what somebody probably meant among the names there are.
struct NearestName: Sendable {
  private struct Entry: Sendable {
    let name: String
    /// In lower case, as bytes; so is its part behind the last dot.
    let bytes: [UInt8]
    let lastPart: [UInt8]
  }

  private let entries: [Entry]

  init(among names: [String]) {
    entries = names.map { name in
      let bytes = Array(name.lowercased().utf8)
      let lastPart = bytes.split(separator: UInt8(ascii: ".")).last ?? []
      return Entry(name: name, bytes: bytes, lastPart: Array(lastPart))
    }
  }

  /// The name closest to `word`, or nil when none is close enough to be worth suggesting.
  ///
  /// Close: a third of the word's characters would have to change, at most; or the word is the
  /// last part of a dotted name (`cmds_max` for `node.session.cmds_max`).
  func name(to word: String) -> String? {
    let wanted = word.lowercased()
    let bytes = Array(wanted.utf8)
    if wanted.count >= 3, let whole = entries.first(where: { $0.lastPart == bytes }) {
      return whole.name
    }
    let limit = max(1, wanted.count / 3)
    var best: (name: String, distance: Int)?
    // Every byte one has more than the other is a change: a word is compared with names about as
    // long as itself, and a word longer than all with none.
    for entry in entries where abs(entry.bytes.count - bytes.count) <= limit {
      let distance = Self.editDistance(bytes, entry.bytes)
      if distance <= limit, distance < best?.distance ?? Int.max { best = (entry.name, distance) }
    }
    return best?.name
  }

  /// Levenshtein's distance, one row at a time.
  private static func editDistance(_ left: [UInt8], _ right: [UInt8]) -> Int {
    var row = Array(0...right.count)
    for (leftIndex, byte) in left.enumerated() {
      var diagonal = row[0]
      row[0] = leftIndex + 1
      for (rightIndex, other) in right.enumerated() {
        let substitution = diagonal + (byte == other ? 0 : 1)
        diagonal = row[rightIndex + 1]
        row[rightIndex + 1] = min(substitution, diagonal + 1, row[rightIndex] + 1)
      }
    }
    return row[right.count]
  }
}
