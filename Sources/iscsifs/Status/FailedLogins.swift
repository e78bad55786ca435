import FoundationEssentials
import Records

/// The targets of a fresh mount that could not be logged in to, in sentences.
///
/// The mount is usable and they are tried again, but who mounted looks for their LUNs now.
enum FailedLogins {
  /// More would push what matters off the screen.
  private static let maximumCount = 5

  static func sentences(at mountpoint: String) -> [String] {
    let targets = mountpoint + "/targets"
    let names = (try? FileManager.default.contentsOfDirectory(atPath: targets)) ?? []
    let failed = names.sorted().filter { name in
      (try? TextFile.read("\(targets)/\(name)/state")) == "FAILED\n"
    }
    var sentences = failed.prefix(maximumCount).map { name in
      "not logged in: " + reason(in: (try? TextFile.read("\(targets)/\(name)/last_error")) ?? name)
    }
    if failed.count > maximumCount {
      sentences.append(
        "not logged in: \(failed.count - maximumCount) more; see \(mountpoint)/status")
    }
    return sentences
  }

  /// The sentence after the number and the name.
  private static func reason(in line: String) -> String {
    let parts = line.split(separator: "\n").first?.split(separator: " ", maxSplits: 2) ?? []
    return parts.count == 3 ? String(parts[2]) : line
  }
}
