/// What an outcome says, computed, for those who read the JSON with other tools.
struct Conclusion: Codable, Equatable, Sendable {
  struct GoalReached: Codable, Equatable, Sendable {
    let goal: String
    let value: Double?
    let isMet: Bool?
  }

  let workload: String
  let speed: Spread?
  let processorTime: Spread?
  let goals: [GoalReached]

  init(_ outcome: Outcome) {
    workload = outcome.workload
    speed = outcome.speed
    processorTime = outcome.processorTime
    goals = outcome.verdicts.map {
      GoalReached(
        goal: $0.goal.sentence(rival: outcome.rivalName ?? "none", unit: outcome.unit),
        value: $0.value,
        isMet: $0.isMet)
    }
  }
}
