import Plotting

/// Outcomes as Docs/Performance.md shows them.
enum MarkdownReport {
  /// The tables, the plots and how they were made; `plots` is their directory as seen from the
  /// document.
  static func text(_ results: Results, plots: String) -> String {
    let outcomes = results.outcomes
    let beside = outcomes.filter { $0.rivalName == Contestant.storageDaemon.name }
    let others = outcomes.filter { $0.rivalName != Contestant.storageDaemon.name }
    let rounds = outcomes.map { $0.subject?.samples.count ?? 0 }.min() ?? 0
    let ring = results.machine.allowsRing ? "RING=1 " : ""
    var parts = [
      "`make bench \(ring)RECORD=1` wrote this: \(results.machine.sentence); load, initiator and "
        + "target share them. " + results.machine.programs.joined(separator: ", ")
        + ". Medians of \(rounds) rounds or more, the two in turns; ratios are taken pair by pair. "
        + "CPU time is the initiator's for one I/O, for one MiB where a program reads through the "
        + "page cache."
    ]
    if !beside.isEmpty {
      parts += ["### Beside qemu-storage-daemon", table(beside, rival: "peer")]
      parts += Plots.names.map { "![\($0.title)](\(plots)/\($0.file))" }
    }
    if !others.isEmpty {
      parts += ["### iscsifs alone, against itself, and without FUSE", table(others, rival: nil)]
    }
    if !results.skipped.isEmpty {
      parts.append(
        "Not measured here:\n\n"
          + results.skipped.map { "- `\($0.workload)`: \($0.reason)." }.joined(separator: "\n"))
    }
    return parts.joined(separator: "\n\n")
  }

  /// - Parameter rival: what the other is called; nil says it in each row.
  private static func table(_ outcomes: [Outcome], rival: String?) -> String {
    var table = TextTable([
      .init(title: "workload"), .init(title: "iscsifs", isNumber: true),
      .init(title: rival ?? "against", isNumber: true),
      .init(title: "speed", isNumber: true), .init(title: "CPU", isNumber: true),
      .init(title: "p50, p99 \u{B5}s", isNumber: true),
      .init(title: "the other's", isNumber: true), .init(title: "goals"),
    ])
    for outcome in outcomes {
      table.add([
        "`\(outcome.workload)`",
        cell(outcome.subject, outcome.unit, named: rival == nil),
        cell(outcome.rival, outcome.unit, named: rival == nil),
        outcome.speed.map { Figure.fixed($0.median, 2) } ?? "-",
        outcome.processorTime.map { Figure.fixed($0.median, 2) } ?? "-",
        latency(outcome.subject), latency(outcome.rival),
        goals(outcome),
      ])
    }
    return table.markdown
  }

  private static func cell(_ result: ContestantResult?, _ unit: Unit, named: Bool) -> String {
    guard let result, let rate = result.rate, let time = result.processorMicroseconds else {
      return "-"
    }
    let figures =
      "\(Figure.grouped(rate.median)) \(unit.rawValue), \(Figure.short(time.median)) \u{B5}s"
    return named ? "`\(result.name)` \(figures)" : figures
  }

  private static func latency(_ result: ContestantResult?) -> String {
    guard let result, let median = result.medianLatency, let high = result.p99Latency else {
      return ""
    }
    return "\(Figure.short(median.median)), \(Figure.short(high.median))"
  }

  /// "speed >= 2.50 missed; CPU <= 0.40 met".
  private static func goals(_ outcome: Outcome) -> String {
    outcome.verdicts.map { verdict in
      let goal = verdict.goal
      let bound =
        switch goal.quantity {
        case .speed: "speed \u{2265} \(Figure.fixed(goal.bound, 2))"
        case .processorTime: "CPU \u{2264} \(Figure.fixed(goal.bound, 2))"
        case .rate: "\u{2265} \(Figure.grouped(goal.bound)) \(outcome.unit.rawValue)"
        case .throughput: "\u{2265} \(goal.figure(goal.bound))"
        case .memory: "\u{2264} \(goal.figure(goal.bound))"
        }
      let reason = goal.reason.map { " (\($0))" } ?? ""
      return verdict.isMet == true
        ? "\(bound)\(reason) met" : "**\(bound)\(reason) \(verdict.word)**"
    }.joined(separator: "; ")
  }
}
