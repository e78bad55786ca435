/// How we are willing to log in.
///
/// Source: RFC 7143, 12.1 (AuthMethod).
package enum AuthenticationPolicy: Equatable, Sendable {
  /// `AuthMethod=None`.
  case none
  /// `AuthMethod=CHAP`: a target that does not ask for it is refused.
  case chapRequired(CHAPCredentials)
  /// `AuthMethod=CHAP,None`: CHAP where the target can do it.
  case chapPreferred(CHAPCredentials)

  /// The methods offered, best first.
  var methods: [String] {
    switch self {
    case .none: ["None"]
    case .chapRequired: ["CHAP"]
    case .chapPreferred: ["CHAP", "None"]
    }
  }

  var credentials: CHAPCredentials? {
    switch self {
    case .none: nil
    case .chapRequired(let credentials), .chapPreferred(let credentials): credentials
    }
  }
}
