import Plotting

/// Outcomes as a person at a terminal reads them.
enum TerminalReport {
  /// One outcome, as soon as it is there.
  static func block(_ outcome: Outcome) -> String {
    table([outcome]) + "\n"
  }

  /// All of them, two lines each, with what they had to reach below.
  static func table(_ outcomes: [Outcome]) -> String {
    var table = TextTable([
      .init(title: "workload"), .init(title: "by"), .init(title: "rate", isNumber: true),
      .init(title: "MB/s", isNumber: true), .init(title: "CPU \u{B5}s", isNumber: true),
      .init(title: "target \u{B5}s", isNumber: true),
      .init(title: "p50 \u{B5}s", isNumber: true), .init(title: "p99 \u{B5}s", isNumber: true),
      .init(title: "speed", isNumber: true), .init(title: "CPU", isNumber: true),
    ])
    for outcome in outcomes {
      add(outcome, to: &table)
    }
    return table.plain
  }

  private static func add(_ outcome: Outcome, to table: inout TextTable) {
    let ratios = [
      outcome.speed.map { Figure.fixed($0.median, 2) } ?? "",
      outcome.processorTime.map { Figure.fixed($0.median, 2) } ?? "",
    ]
    if let subject = outcome.subject {
      table.add([outcome.workload] + cells(subject, outcome.unit) + ratios)
    }
    if let rival = outcome.rival {
      table.add([outcome.subject == nil ? outcome.workload : ""] + cells(rival, outcome.unit))
    }
    for verdict in outcome.verdicts {
      let figure = verdict.value.map { ": \(verdict.goal.figure($0))" } ?? ""
      let sentence = verdict.goal.sentence(
        rival: outcome.rivalName ?? "none", unit: outcome.unit)
      let word = verdict.word + String(repeating: " ", count: max(0, 6 - verdict.word.count))
      table.note("\(word) \(sentence)\(figure)")
    }
    for omission in outcome.omissions { table.note("not measured: \(omission)") }
  }

  private static func cells(_ result: ContestantResult, _ unit: Unit) -> [String] {
    let short = { (spread: Spread?) in spread.map { Figure.short($0.median) } ?? "" }
    return [
      result.name, result.rate.map { "\(Figure.grouped($0.median)) \(unit.rawValue)" } ?? "",
      result.bytesPerSecond.map { Figure.grouped($0.median / 1e6) } ?? "",
      short(result.processorMicroseconds), short(result.targetMicroseconds),
      short(result.medianLatency), short(result.p99Latency),
    ]
  }
}
