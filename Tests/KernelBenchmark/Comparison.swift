/// Every sample taken, and what they say of the initiators beside each other.
struct Comparison: Sendable {
  private var samples: [FioJob: [Initiator: [Int: Sample]]] = [:]

  mutating func add(_ sample: Sample, _ job: FioJob, _ initiator: Initiator, round: Int) {
    samples[job, default: [:]][initiator, default: [:]][round] = sample
  }

  /// Those with a sample, in their usual order.
  var jobs: [FioJob] { FioJob.all.filter { samples[$0] != nil } }

  func samples(_ job: FioJob, _ initiator: Initiator) -> [Sample] {
    (samples[job]?[initiator] ?? [:]).sorted { $0.key < $1.key }.map(\.value)
  }

  /// Kilo-instructions of the whole guest per I/O.
  func cost(_ job: FioJob, _ initiator: Initiator) -> Statistics? {
    Statistics(samples(job, initiator).map(\.guest))
  }

  /// Kilo-instructions of the daemon's threads per I/O.
  func daemonCost(_ job: FioJob, _ initiator: Initiator) -> Statistics? {
    initiator.program == nil ? nil : Statistics(samples(job, initiator).map(\.daemon))
  }

  /// What an I/O of `initiator` costs beside one of the kernel's, pair by pair of a round.
  func ratio(_ job: FioJob, _ initiator: Initiator) -> Statistics? {
    let kernel = samples[job]?[.kernel] ?? [:]
    let other = samples[job]?[initiator] ?? [:]
    return Statistics(
      other.compactMap { round, sample in
        kernel[round].flatMap { $0.guest > 0 ? sample.guest / $0.guest : nil }
      })
  }

  /// The mean of the jobs' median ratios; nil when a job has none.
  func averageRatio(_ initiator: Initiator) -> Double? {
    let ratios = jobs.compactMap { ratio($0, initiator)?.median }
    guard !ratios.isEmpty, ratios.count == jobs.count else { return nil }
    return ratios.reduce(0, +) / Double(ratios.count)
  }
}
