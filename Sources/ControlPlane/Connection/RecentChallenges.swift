/// The last challenges of one side; the oldest is forgotten first.
struct RecentChallenges<Challenge: Sendable>: Sendable {
  let capacity = 256

  private var challenges: [Challenge] = []
  private var next = 0

  mutating func insert(_ challenge: Challenge) {
    if challenges.count < capacity {
      challenges.append(challenge)
    } else {
      challenges[next] = challenge
      next = (next + 1) % capacity
    }
  }

  func contains(where isMatch: (Challenge) -> Bool) -> Bool {
    challenges.contains(where: isMatch)
  }
}
