import ArgumentParser
import Simulation

/// `make sim`: runs the simulation for many seeds, or shows one.
@main
struct Simulate: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Runs the reactor against simulated targets, networks and kernels.")

  @Option(help: "The seed to run with every event shown.")
  var seed: UInt64?

  @Option(help: "How many seeds to run: as many of each family, or those of one.")
  var runs: UInt64 = 1000

  @Option(help: "The number of the first of each family.")
  var first: UInt64 = 1

  @Option(
    help: """
      One family: 0 is level 0 and one connection a session, 1 levels 0 to 2 and MC/S, 2 as 0 with \
      caches that are flushed in the background.
      """)
  var family: UInt64?

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
    for seed in try seeds(planted) {
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

  /// The seeds of one family, or as many of each, in turns.
  private func seeds(_ bug: PlantedBug?) throws -> [UInt64] {
    let one = try family.map { number in
      guard let family = SeedFamily(rawValue: number) else {
        throw ValidationError("no family \(number)")
      }
      return family
    }
    let families = (one ?? bug?.family).map { [$0] } ?? SeedFamily.allCases
    return (0..<runs).map {
      let count = UInt64(families.count)
      return families[Int($0 % count)].seed(first + $0 / count)
    }
  }
}
