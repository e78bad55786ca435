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
      guard let count = problems[problem] else { return nil }
      return problem == .endless
        ? "\(problem.words): what came until then is kept"
        : "\(count) record(s) left out: \(problem.words)"
    }
  }
}
