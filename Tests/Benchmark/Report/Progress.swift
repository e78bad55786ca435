/// How far the benchmark is, and how long it will take.
///
/// The time left is what the workloads to come are expected to take, corrected by how long the ones
/// done took.
struct Progress {
  private let count: Int
  private let rounds: Int
  private let seconds: Double
  private let start = ContinuousClock.now
  private let expectedSeconds: Double
  private var finishedCount = 0
  private var finishedSeconds = 0.0

  init(_ workloads: [Workload], rounds: Int, seconds: Double) {
    count = workloads.count
    self.rounds = rounds
    self.seconds = seconds
    expectedSeconds = workloads.reduce(0) {
      $0 + $1.estimatedSeconds(rounds: rounds, seconds: seconds)
    }
  }

  mutating func finish(_ workload: Workload) {
    finishedCount += 1
    finishedSeconds += workload.estimatedSeconds(rounds: rounds, seconds: seconds)
  }

  /// "[3/24] dd-4k: round 2 of 5, 4 min left".
  func line(_ workload: Workload, _ step: WorkloadMeasurement.Step) -> String {
    line(workload, step, elapsedSeconds: (ContinuousClock.now - start) / .seconds(1))
  }

  func line(
    _ workload: Workload, _ step: WorkloadMeasurement.Step, elapsedSeconds: Double
  ) -> String {
    let (what, round) =
      switch step {
      case .start: ("starting", 0)
      case .warmUp: ("warming up", 0)
      case .round(let round): ("round \(round) of \(rounds)", round)
      }
    let estimate = workload.estimatedSeconds(rounds: rounds, seconds: seconds)
    let expected = finishedSeconds + estimate * Double(round) / Double(rounds + 1)
    // Too little is known at first to correct anything.
    let correction = finishedCount > 1 ? elapsedSeconds / max(expected, 1) : 1
    let left = max(0, (expectedSeconds - expected) * min(max(correction, 0.2), 5))
    return "[\(finishedCount + 1)/\(count)] \(workload.name): \(what), \(Self.time(left)) left"
  }

  /// "40 s", "4 min".
  private static func time(_ seconds: Double) -> String {
    seconds < 90 ? "\(Int(seconds.rounded(.up))) s" : "\(Int((seconds / 60).rounded())) min"
  }
}
