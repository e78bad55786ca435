/// Why two sides could not agree who they are.
///
/// Source: RFC 7143, 12.1 and 9.2.1.
package enum AuthenticationError: Error, Equatable, Sendable {
  /// AuthMethod answered by something that was not offered, `Reject` included.
  case methodNotOffered(String)
  /// The target goes on without the authentication it agreed to or we require.
  case skipped
  /// The target goes on without answering our challenge.
  case unproven
  /// CHAP_A names no algorithm that was offered.
  case algorithmNotOffered(String)
  /// A key this step needs.
  case missingKey(String)
  /// A security key out of its turn, or twice.
  case unexpectedKey(String)
  case malformed(TextError)
  /// A challenge too short to be worth answering.
  case challengeTooShort(byteCount: Int)
  /// A challenge of ours came back as the target's.
  case reflectedChallenge
  /// The challenge another login under way was given.
  case sharedChallenge
  /// Our own response came back as the target's.
  case reflectedResponse
  /// The target answered under our name.
  case ownName
  /// CHAP_N is not the name the target must have.
  case targetName(String)
  case responseLength(Int, expected: Int)
  /// The response is not what the target's secret makes of our challenge.
  case wrongResponse

  /// The sentence for `last_error`.
  package var sentence: String {
    switch self {
    case .methodNotOffered(let value): "the target answers AuthMethod=\(value.excerpt), not offered"
    case .skipped: "the target goes on without authentication"
    case .unproven: "the target goes on without proving who it is"
    case .algorithmNotOffered(let value): "the target answers CHAP_A=\(value.excerpt), not offered"
    case .missingKey(let key): "the target's CHAP message lacks \(key)"
    case .unexpectedKey(let key): "the target sends \(key.excerpt) out of its turn"
    case .malformed(let error): error.sentence
    case .challengeTooShort(let byteCount): "the target's challenge has only \(byteCount) bytes"
    case .reflectedChallenge: "the target sent a challenge of ours back as its own"
    case .sharedChallenge: "the target sent the challenge of another login that is under way"
    case .reflectedResponse: "the target sent our own response back as its own"
    case .ownName: "the target answers under our own name"
    case .targetName(let name):
      "the target calls itself CHAP_N=\(name.excerpt), which is not the name it must have"
    case .responseLength(let found, let expected):
      "the target's response has \(found) bytes where its algorithm makes \(expected)"
    case .wrongResponse: "the target does not know the secret that proves who it is"
    }
  }

  /// The target is not who it must be, or will not let us prove who we are; everything else is a
  /// message that breaks the rules.
  package var isRejection: Bool {
    switch self {
    case .methodNotOffered, .skipped, .unproven, .algorithmNotOffered, .reflectedChallenge,
      .sharedChallenge, .reflectedResponse, .ownName, .targetName, .wrongResponse:
      true
    case .missingKey, .unexpectedKey, .malformed, .challengeTooShort, .responseLength: false
    }
  }
}
