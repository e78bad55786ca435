@testable import benchmark

extension Outcome {
  /// An outcome of three rounds with round figures: iscsifs twice as fast at half the CPU time.
  static func sample(
    _ name: String = "randread-4k-qd32", goals: [Goal] = [.speed(2.5), .processorTime(0.6)],
    rival: Contestant? = .storageDaemon, blockBytes: Int? = 4096
  ) -> Outcome {
    var outcome = Outcome(
      workload: name, summary: "4 KiB random reads", subjectName: "iscsifs",
      rivalName: rival?.name, store: .null, placement: .free,
      unit: blockBytes == nil ? .mebibytes : .operations, blockBytes: blockBytes,
      secondsPerRound: 2, goals: goals)
    outcome.subject = ContestantResult(
      name: "iscsifs", samples: [sample(60000, 8), sample(62000, 10), sample(20000, 9)],
      peakMemoryBytes: 30 << 20)
    if let rival {
      outcome.rival = ContestantResult(
        name: rival.name, samples: [sample(30000, 16), sample(31000, 20), sample(10000, 18)])
    }
    return outcome
  }

  private static func sample(_ rate: Double, _ time: Double) -> Sample {
    Sample(
      rate: rate, bytesPerSecond: rate * 4096, processorMicroseconds: time, targetMicroseconds: 5,
      latency: Latency(medianMicroseconds: 500, p99Microseconds: 1500))
  }
}
