/// How a run ended.
package struct Outcome: Sendable {
  package let seed: UInt64
  /// The rule that was broken, in a sentence; nil: none.
  package let violation: String?
  /// Of everything that happened, in order.
  package let hash: UInt64
  package let eventCount: Int
  package let requestCount: Int
  /// How many faults of each kind were injected.
  package let faults: [Int]
  /// The last events.
  package let lines: [String]

  package var faultCount: Int { faults.reduce(0, +) }

  /// What a failing run has to say.
  package var report: String {
    "seed \(seed): \(violation ?? "no violation")\n  " + lines.joined(separator: "\n  ")
      + "\n  replay it: make sim SEED=\(seed)"
  }
}
