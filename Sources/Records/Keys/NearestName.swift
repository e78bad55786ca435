/// Finds what somebody probably meant.
package enum NearestName {
  /// The name closest to `word`, or nil when none is close enough to be worth suggesting.
  ///
  /// Close: a third of the word's characters would have to change, at most; or the word is the
  /// last part of a dotted name (`cmds_max` for `node.session.cmds_max`).
  package static func to(_ word: String, among names: [String]) -> String? {
    let wanted = word.lowercased()
    if wanted.count >= 3, let whole = names.first(where: { lastPart($0) == wanted }) {
      return whole
    }
    var best: (name: String, distance: Int)?
    for name in names {
      let distance = editDistance(Array(wanted.utf8), Array(name.lowercased().utf8))
      if distance < best?.distance ?? Int.max { best = (name, distance) }
    }
    guard let best, best.distance <= max(1, wanted.count / 3) else { return nil }
    return best.name
  }

  private static func lastPart(_ name: String) -> String {
    (name.split(separator: ".").last ?? "").lowercased()
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
