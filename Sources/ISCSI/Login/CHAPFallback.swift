/// Which algorithms to offer a target that fails with one it chose itself.
///
/// Some targets choose an algorithm they cannot compute and then refuse every login. One that
/// refused is tried again with what is left. When nothing is left the secret is wrong, not the
/// algorithm: from then on a login is one try, each with another part of the list, until one
/// succeeds.
package struct CHAPFallback: Equatable, Sendable {
  private var failed: Set<CHAPAlgorithm> = []
  private var isExhausted = false

  package init() {}

  /// What to offer of `algorithms`, in their order; never empty.
  package func offer(of algorithms: [CHAPAlgorithm]) -> [CHAPAlgorithm] {
    let rest = algorithms.filter { !failed.contains($0) }
    return rest.isEmpty ? algorithms : rest
  }

  /// Notes that the target refused after choosing `algorithm`; true when another try is due.
  package mutating func failed(
    with algorithm: CHAPAlgorithm, of algorithms: [CHAPAlgorithm]
  ) -> Bool {
    failed.insert(algorithm)
    guard algorithms.allSatisfy(failed.contains) else { return !isExhausted }
    failed = []
    isExhausted = true
    return false
  }

  /// Notes that the target can do nothing with what was left to offer: what it failed with is all
  /// it can do, and the secret was wrong, or the target out of order.
  package mutating func refusedTheRest() {
    guard !failed.isEmpty else { return }
    failed = []
    isExhausted = true
  }

  /// Notes a login that succeeded.
  package mutating func succeeded() {
    // What failed while the secret was wrong may have been right.
    if isExhausted { failed = [] }
    isExhausted = false
  }
}
