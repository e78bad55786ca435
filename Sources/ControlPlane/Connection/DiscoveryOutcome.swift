package import ISCSI

/// What a portal told of its targets.
package struct DiscoveryOutcome: Equatable, Sendable {
  /// In its order.
  package var targets: [DiscoveredTarget]
  /// How often something was left out, by reason.
  package var problems: [DiscoveryProblem: Int] = [:]

  /// Sentences for whoever asked: "3 records left out: bad target name".
  package var warnings: [String] {
    DiscoveryProblem.allCases.compactMap { problem in
      problems[problem].map { "\($0) record(s) left out: \(problem.words)" }
    }
  }
}
