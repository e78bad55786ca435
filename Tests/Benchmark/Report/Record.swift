import FoundationEssentials

/// The part of Docs/Performance.md that the benchmark writes.
enum Record {
  static let document = "Docs/Performance.md"
  static let plots = "Docs/Plots"
  static let beginning = "<!-- benchmark: written by `make bench RECORD=1` -->"
  static let end = "<!-- benchmark: end -->"

  /// Writes plots and tables; says which files.
  static func write(_ results: Results, plots directory: String) throws -> [String] {
    let old = try? String(contentsOf: URL(filePath: document), encoding: .utf8)
    guard let old, let new = replacing(MarkdownReport.text(results, plots: "Plots"), in: old)
    else {
      throw BenchmarkFailure(
        "\(document) is not there or has no lines \(beginning) and \(end); run this in the "
          + "repository")
    }
    let paths = try Plots.write(results, to: directory)
    try Data(new.utf8).write(to: URL(filePath: document), options: .atomic)
    return paths + [document]
  }

  /// The document with `text` between the two lines; nil when it does not have them.
  static func replacing(_ text: String, in document: String) -> String? {
    guard let start = document.firstRange(of: beginning),
      let stop = document.firstRange(of: end), start.upperBound <= stop.lowerBound
    else { return nil }
    return document[..<start.upperBound] + "\n\n\(text)\n\n" + document[stop.lowerBound...]
  }
}
