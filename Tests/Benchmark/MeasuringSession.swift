import Lab

/// One call of the benchmark: workload after workload, each outcome shown and kept as it comes.
struct MeasuringSession {
  let lab: Lab
  let terminal: Terminal
  let workloads: [Workload]
  let rounds: Int
  let seconds: Double
  var results: Results
  /// The file of the results; nil keeps nothing.
  private(set) var keepsIn: String?
  /// The directory of the plots; nil draws none.
  let drawsTo: String?
  let records: Bool

  private var measured: [Outcome] = []
  private var isComplete = true

  init(
    lab: Lab, terminal: Terminal, workloads: [Workload], rounds: Int, seconds: Double,
    results: Results, keepsIn: String?, drawsTo: String?, records: Bool
  ) {
    self.lab = lab
    self.terminal = terminal
    self.workloads = workloads
    self.rounds = rounds
    self.seconds = seconds
    self.results = results
    self.keepsIn = keepsIn
    self.drawsTo = drawsTo
    self.records = records
  }

  /// Measures all; false when something that was there could not be measured.
  mutating func run() async throws -> Bool {
    if let objection = Requirement.tgtd.objection {
      throw BenchmarkFailure("nothing can be measured without a target; \(objection)")
    }
    terminal.line(results.machine.sentence)
    let bench = try await Bench.start(lab)
    var progress = Progress(workloads, rounds: rounds, seconds: seconds)
    do {
      for workload in workloads {
        try await measure(workload, on: bench, &progress)
        progress.finish(workload)
      }
    } catch {
      // What was measured before is shown even so.
      conclude()
      throw error
    }
    conclude()
    if let drawsTo { try draw(to: drawsTo) }
    return isComplete
  }

  private mutating func measure(
    _ workload: Workload, on bench: Bench, _ progress: inout Progress
  ) async throws {
    if let objection = workload.needs.lazy.compactMap(\.objection).first {
      return skip(workload, objection)
    }
    var measurement = WorkloadMeasurement(workload, on: bench, rounds: rounds, seconds: seconds)
    let terminal = terminal
    let outcome = try await measurement.run { [progress] step in
      terminal.status(progress.line(workload, step))
    }
    if measurement.hasFailed { isComplete = false }
    guard outcome.isMeasured else {
      return skip(workload, outcome.omissions.joined(separator: "; "))
    }
    terminal.line(TerminalReport.block(outcome))
    measured.append(outcome)
    results.take(outcome)
    keep()
  }

  private mutating func skip(_ workload: Workload, _ reason: String) {
    terminal.line("\(workload.name): not measured: \(reason)")
    results.skip(workload.name, reason)
    keep()
  }

  /// What cannot be kept is still shown.
  private mutating func keep() {
    guard let path = keepsIn else { return }
    do {
      try results.save(to: path)
    } catch {
      keepsIn = nil
      isComplete = false
      terminal.warn("results cannot be kept in \(path): \(error)")
    }
  }

  private func conclude() {
    terminal.clear()
    guard !measured.isEmpty else { return }
    if measured.count > 1 { terminal.line(TerminalReport.table(measured)) }
    if let keepsIn { terminal.line("results: \(keepsIn)") }
  }

  private func draw(to directory: String) throws {
    let paths =
      records
      ? try Record.write(results, plots: directory) : try Plots.write(results, to: directory)
    for path in paths { terminal.line("wrote \(path)") }
  }
}
