import ArgumentParser

/// Puts results there are into the documents.
struct RecordCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "record", abstract: "Put kept results into Docs/Performance.md and Docs/Plots.")

  @Option(help: "The file that keeps the results.")
  var json = ".build/benchmark/results.json"

  @Option(help: "The directory the plots are drawn to.")
  var plots = Record.plots

  func run() throws {
    guard let results = Results(path: json) else {
      throw BenchmarkFailure("\(json) holds no results; `make bench` makes them")
    }
    for path in try Record.write(results, plots: plots) { print("wrote \(path)") }
  }
}
