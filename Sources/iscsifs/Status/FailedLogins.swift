import Records

/// The targets of a fresh mount that could not be logged in to, in sentences.
///
/// The mount is usable and they are tried again, but who mounted looks for their LUNs now.
enum FailedLogins {
  /// More would push what matters off the screen.
  private static let maximumCount = 5

  static func sentences(at mountpoint: String) -> [String] {
    // One file tells of all targets, however many there are.
    let failed = names(in: (try? StatusReport.table(of: mountpoint)) ?? "")
    var sentences = failed.prefix(maximumCount).map { name in
      let path = "\(mountpoint)/targets/\(name)/last_error"
      return "not logged in: " + reason(in: (try? TextFile.read(path)) ?? name)
    }
    if failed.count > maximumCount {
      sentences.append(
        "not logged in: \(failed.count - maximumCount) more; see \(mountpoint)/status")
    }
    return sentences
  }

  /// The targets that are FAILED in a `status` table: a target's line begins with its name and its
  /// state, other lines with a blank.
  static func names(in table: String) -> [String] {
    table.split(separator: "\n").compactMap { line in
      let words = line.split(separator: " ", maxSplits: 2)
      guard line.first != " ", words.count > 1, words[1] == "FAILED" else { return nil }
      return String(words[0])
    }
  }

  /// The sentence after the number and the name.
  private static func reason(in line: String) -> String {
    let parts = line.split(separator: "\n").first?.split(separator: " ", maxSplits: 2) ?? []
    return parts.count == 3 ? String(parts[2]) : line
  }
}
