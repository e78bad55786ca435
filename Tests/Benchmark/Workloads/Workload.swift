/// One line of the benchmark: what is done, on which LUN, by whom, against whom, and what it must
/// reach.
struct Workload: Sendable {
  var name: String
  var summary: String
  var job: Job
  var store = BackingStore.null
  var placement = Placement.free
  var subject = Contestant.iscsifs()
  /// The one it is compared with, measured in turn with it.
  var rival: Contestant? = .storageDaemon
  var goals: [Goal] = []
  /// What of the machine's it needs besides what its contestants need.
  var needs: [Requirement] = []

  var contestants: [(role: Role, contestant: Contestant)] {
    [(.subject, subject)] + (rival.map { [(.rival, $0)] } ?? [])
  }

  /// The same comparison of two others, with nothing to reach.
  func comparing(_ subject: Contestant, with rival: Contestant) -> Workload {
    var copy = self
    copy.name += "-ab"
    copy.subject = subject
    copy.rival = rival
    copy.goals = []
    return copy
  }

  /// How long it takes, roughly: for the line that says how much time is left.
  func estimatedSeconds(rounds: Int, seconds: Double) -> Double {
    let once =
      switch job {
      case .fio: seconds + 0.4
      case .command: 1.2
      }
    return Double(contestants.count) * (2 + Double(rounds + 1) * once)
  }
}
