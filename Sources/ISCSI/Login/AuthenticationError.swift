/// Why two sides could not agree who they are.
///
/// Source: RFC 7143, 12.1.
package enum AuthenticationError: Error, Equatable, Sendable {
  /// AuthMethod answered by something that was not offered, `Reject` included.
  case methodNotOffered(String)
  /// The target goes on without the authentication it agreed to or we require.
  case skipped
  /// CHAP_A names no algorithm that was offered.
  case algorithmNotOffered(String)
  /// A key this step needs.
  case missingKey(String)
  /// A security key out of its turn, or twice.
  case unexpectedKey(String)
  case malformed(TextError)
  /// A challenge too short to be worth answering.
  case challengeTooShort(byteCount: Int)

  /// The sentence for `last_error`.
  package var sentence: String {
    switch self {
    case .methodNotOffered(let value): "the target answers AuthMethod=\(value.excerpt), not offered"
    case .skipped: "the target goes on without authentication"
    case .algorithmNotOffered(let value): "the target answers CHAP_A=\(value.excerpt), not offered"
    case .missingKey(let key): "the target's CHAP message lacks \(key)"
    case .unexpectedKey(let key): "the target sends \(key.excerpt) out of its turn"
    case .malformed(let error): error.sentence
    case .challengeTooShort(let byteCount): "the target's challenge has only \(byteCount) bytes"
    }
  }
}
