import ArgumentParser
import Simulation

/// `make sim`: runs the simulation for many seeds, or shows one.
@main
struct Simulate: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Runs the reactor against simulated targets, networks and kernels.")

  @Option(help: "The seed to run with every event shown.")
  var seed: UInt64?

  @Option(help: "How many seeds to run.")
  var runs: UInt64 = 1000

  @Option(help: "The first of them.")
  var first: UInt64 = 1

  @Option(help: "A bug to plant, by its name.")
  var bug: String?

  func run() throws {
    let planted = bug.flatMap { PlantedBug(rawValue: $0) }
    if let bug, planted == nil {
      throw ValidationError(
        "no bug \(bug); there are \(PlantedBug.allCases.map(\.rawValue).joined(separator: ", "))")
    }
    if let seed {
      let outcome = try Simulation(seed: seed, bug: planted) { print($0) }.run()
      print("seed \(seed): \(outcome.violation ?? "no violation"), hash \(outcome.hash)")
      if outcome.violation != nil { throw ExitCode.failure }
      return
    }
    var tally = Tally()
    var failures = 0
    for seed in first..<first + runs {
      let outcome = try Simulation(seed: seed, bug: planted).run()
      tally.add(outcome)
      guard outcome.violation != nil else { continue }
      failures += 1
      print(outcome.report)
      if failures == 5 { break }
    }
    print(tally.text)
    if failures > 0 { throw ExitCode.failure }
  }
}
