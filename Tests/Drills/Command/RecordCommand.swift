import ArgumentParser

/// Puts results there are into the docs.
struct RecordCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "record", abstract: "Put kept results into \(DrillRecord.page).")

  @Option(help: "The file that keeps the results.")
  var results = ".build/drills/results.json"

  func run() throws {
    guard let kept = DrillResults(path: results) else {
      throw DrillFailure("\(results) holds no results; `make drills` makes them")
    }
    let names = Catalogue.all(clockJump: "", guestCache: "").map(\.name)
    try DrillRecord.write(kept.ordered(names))
    print("wrote \(DrillRecord.page)")
  }
}
