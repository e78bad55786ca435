import FoundationEssentials

/// The drawings of the results beside the peer.
enum Plots {
  static let names: [(file: String, title: String)] = [
    ("speed.svg", "Speed in multiples of the peer's"),
    ("processor-time.svg", "CPU time of one I/O"),
    ("latency.svg", "Latency"),
  ]

  /// Writes them; says which files. Nothing where there is nothing to compare.
  static func write(_ results: Results, to directory: String) throws -> [String] {
    let outcomes = results.outcomes.filter {
      $0.subject?.samples.isEmpty == false && $0.rival?.samples.isEmpty == false
        && $0.rivalName == Contestant.storageDaemon.name
    }
    guard !outcomes.isEmpty else { return [] }
    try FileManager.default.createDirectory(
      atPath: directory, withIntermediateDirectories: true)
    let note = results.machine.sentence
    let drawings = [
      SpeedPlot(outcomes, note: note).svg, ProcessorTimePlot(outcomes, note: note).svg,
      LatencyPlot(outcomes, note: note).svg,
    ]
    return try zip(names, drawings).map { name, drawing in
      let path = "\(directory)/\(name.file)"
      try Data(drawing.utf8).write(to: URL(filePath: path), options: .atomic)
      return path
    }
  }
}
