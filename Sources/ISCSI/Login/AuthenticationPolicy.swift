/// How we are willing to log in.
///
/// Source: RFC 7143, 12.1 (AuthMethod).
package enum AuthenticationPolicy: Equatable, Sendable {
  /// `AuthMethod=None`.
  case none
  /// `AuthMethod=CHAP`: a target that does not ask for it is refused.
  case chapRequired(CHAPParameters)
  /// `AuthMethod=CHAP,None`: CHAP where the target can do it.
  case chapPreferred(CHAPParameters)

  /// The methods offered, best first.
  var methods: [String] {
    switch self {
    case .none: ["None"]
    case .chapRequired: ["CHAP"]
    case .chapPreferred: ["CHAP", "None"]
    }
  }

  package var chap: CHAPParameters? {
    switch self {
    case .none: nil
    case .chapRequired(let parameters), .chapPreferred(let parameters): parameters
    }
  }

  /// The same with other algorithms.
  package func offering(_ algorithms: [CHAPAlgorithm]) -> AuthenticationPolicy {
    guard var chap else { return self }
    chap.algorithms = algorithms
    return if case .chapPreferred = self { .chapPreferred(chap) } else { .chapRequired(chap) }
  }
}
