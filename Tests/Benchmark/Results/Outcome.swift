/// What a workload came to; holds all that is needed to show it again.
struct Outcome: Codable, Equatable, Sendable {
  let workload: String
  let summary: String
  /// Whose figures the subject's and the rival's are, measured or not.
  let subjectName: String
  let rivalName: String?
  let store: BackingStore
  let placement: Placement
  let unit: Unit
  let blockBytes: Int?
  let secondsPerRound: Double
  let goals: [Goal]
  /// What could not be measured of it, a sentence each.
  var omissions: [String] = []
  var subject: ContestantResult?
  var rival: ContestantResult?

  /// The subject's rate in its rival's, pair by pair.
  var speed: Spread? {
    guard let subject, let rival else { return nil }
    return Spread(of: subject.samples.map(\.rate), to: rival.samples.map(\.rate))
  }

  /// The subject's CPU time an I/O in its rival's, pair by pair.
  var processorTime: Spread? {
    guard let subject, let rival else { return nil }
    return Spread(
      of: subject.samples.map(\.processorMicroseconds),
      to: rival.samples.map(\.processorMicroseconds))
  }

  /// Every goal with what was measured; those that need what is not there have no figure.
  var verdicts: [Verdict] {
    goals.map { goal in
      let value: Double? =
        switch goal.quantity {
        case .speed: speed?.median
        case .processorTime: processorTime?.median
        case .rate: subject?.rate?.median
        case .throughput: subject?.bytesPerSecond?.median
        case .memory: subject?.peakMemoryBytes.map(Double.init)
        }
      return Verdict(goal: goal.with(sessions: subject?.sessionCount ?? 1), value: value)
    }
  }

  subscript(role: Role) -> ContestantResult? {
    get { role == .subject ? subject : rival }
    set {
      switch role {
      case .subject: subject = newValue
      case .rival: rival = newValue
      }
    }
  }

  var isMeasured: Bool { subject?.samples.isEmpty == false || rival?.samples.isEmpty == false }
}

extension Outcome {
  /// An outcome without figures yet.
  init(of workload: Workload, secondsPerRound: Double) {
    self.init(
      workload: workload.name, summary: workload.summary,
      subjectName: workload.subject.name, rivalName: workload.rival?.name, store: workload.store,
      placement: workload.placement, unit: workload.job.unit,
      blockBytes: workload.job.blockBytes, secondsPerRound: secondsPerRound,
      goals: workload.goals)
  }
}
