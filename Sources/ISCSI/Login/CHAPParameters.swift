/// What a login brings to CHAP: who we are, who the target must be, how it is proved.
///
/// Source: RFC 7143, 12.1.3.
package struct CHAPParameters: Equatable, Sendable {
  package var credentials: CHAPCredentials
  /// What the target has to prove of itself; nil where it is not asked to.
  package var targetCredentials: CHAPCredentials?
  /// Offered in this order; not empty.
  package var algorithms: [CHAPAlgorithm]

  package init(
    _ credentials: CHAPCredentials, target: CHAPCredentials? = nil,
    algorithms: [CHAPAlgorithm] = [.md5]
  ) {
    precondition(!algorithms.isEmpty, "CHAP needs an algorithm")
    self.credentials = credentials
    targetCredentials = target
    self.algorithms = algorithms
  }
}
