import FoundationEssentials

/// The page of the docs with the last run, between two marks, and its plot.
enum DrillRecord {
  static let page = "Docs/Reliability.md"
  static let plotLink = "Plots/waits.svg"
  static let begin = "<!-- drills: written by `make drills RECORD=1` -->"
  static let end = "<!-- drills: end -->"

  static func write(_ results: [DrillResult]) throws {
    let url = URL(filePath: page)
    let section = DrillReport(results: results).section
    guard let text = replacing(section, in: try String(contentsOf: url, encoding: .utf8)) else {
      throw DrillFailure("\(page) has not both marks, \(begin) and \(end)")
    }
    try Data(text.utf8).write(to: url, options: .atomic)
    let plot = url.deletingLastPathComponent().appending(path: plotLink)
    try Data(WaitPlot(results).svg.utf8).write(to: plot, options: .atomic)
  }

  /// The page with `section` between the marks; nil when it does not have them.
  static func replacing(_ section: String, in page: String) -> String? {
    guard let start = page.firstRange(of: begin), let finish = page.firstRange(of: end),
      start.upperBound <= finish.lowerBound
    else { return nil }
    return page[..<start.upperBound] + "\n\n\(section)\n\n" + page[finish.lowerBound...]
  }
}
