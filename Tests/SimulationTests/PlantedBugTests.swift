import Simulation
import Testing

@Suite("Simulation: planted bugs")
struct PlantedBugTests {
  /// No bug may hide for longer.
  private static let seedLimit: UInt64 = 300

  @Test("the checker finds every planted bug", arguments: PlantedBug.allCases)
  func found(bug: PlantedBug) throws {
    let seed = try (1...Self.seedLimit).first {
      try Simulation(seed: bug.family.seed($0), bug: bug).run().violation != nil
    }
    #expect(seed != nil, "\(bug) was not found in \(Self.seedLimit) seeds")
  }
}
