import Crypto

/// The target's side of CHAP with MD5, one-way or mutual.
///
/// Challenges come from the portal's counter, not from randomness: a simulator replays exactly.
/// Source: RFC 7143, 12.1.3; RFC 1994.
package struct CHAPAuthenticator: Sendable {
  /// Whom the target lets in, and what it proves of itself when asked.
  package struct Credentials: Sendable {
    package var user: String
    package var secret: String
    /// The target's own name and secret, for initiators that challenge it.
    package var mutual: (user: String, secret: String)?

    package init(user: String, secret: String, mutual: (user: String, secret: String)? = nil) {
      self.user = user
      self.secret = secret
      self.mutual = mutual
    }
  }

  private enum State: Sendable {
    case awaitingAlgorithm
    case awaitingResponse
  }

  private let credentials: Credentials
  private let identifier: UInt8
  private let challenge: [UInt8]
  private var state = State.awaitingAlgorithm

  /// - Parameter seed: makes identifier and challenge unlike every other login's.
  init(_ credentials: Credentials, seed: UInt64) {
    self.credentials = credentials
    identifier = UInt8(truncatingIfNeeded: seed)
    var text: [UInt8] = Array("iscsifs simulator".utf8)
    text.append(number: seed, count: 8)
    challenge = Array(Insecure.MD5.hash(data: text))
  }

  /// What a step came to.
  enum Step: Equatable {
    case answer(KeyValueText)
    case authenticated(KeyValueText)
    /// Status 0201h.
    case refused
  }

  /// Takes the CHAP keys of one login request.
  mutating func step(_ text: KeyValueText) -> Step {
    switch state {
    case .awaitingAlgorithm:
      guard let algorithms = text["CHAP_A"], algorithms.listElements.contains("5") else {
        return .refused
      }
      state = .awaitingResponse
      return .answer(
        KeyValueText([
          ("CHAP_A", "5"), ("CHAP_I", String(identifier)), ("CHAP_C", challenge.textValue),
        ]))
    case .awaitingResponse:
      guard text["CHAP_N"] == credentials.user, let response = text["CHAP_R"]?.textBytes,
        response == Self.response(identifier, credentials.secret, challenge)
      else { return .refused }
      guard let theirs = text["CHAP_C"] else { return .authenticated(KeyValueText()) }
      guard let mutual = credentials.mutual, let theirChallenge = theirs.textBytes,
        let number = text["CHAP_I"]?.textNumber, let theirIdentifier = UInt8(exactly: number),
        theirChallenge != challenge
      else { return .refused }
      let proof = Self.response(theirIdentifier, mutual.secret, theirChallenge)
      return .authenticated(
        KeyValueText([("CHAP_N", mutual.user), ("CHAP_R", proof.textValue)]))
    }
  }

  /// MD5 over identifier, secret and challenge (RFC 1994, 4.1).
  package static func response(
    _ identifier: UInt8, _ secret: String, _ challenge: [UInt8]
  ) -> [UInt8] {
    Array(Insecure.MD5.hash(data: [identifier] + Array(secret.utf8) + challenge))
  }
}
