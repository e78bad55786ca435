import Crypto

/// The target's side of CHAP, one-way or mutual.
///
/// Challenges come from the portal's counter, not from randomness: a simulator replays exactly.
/// Of the initiator's algorithms the first that is among the target's is taken.
/// Source: RFC 7143, 12.1.3; RFC 1994.
package struct CHAPAuthenticator: Sendable {
  /// Whom the target lets in, and what it proves of itself when asked.
  package struct Credentials: Sendable {
    package var user: String
    package var secret: String
    /// The target's own name and secret, for initiators that challenge it.
    package var mutual: (user: String, secret: String)?
    /// The algorithms the target chooses among, by their numbers in CHAP_A.
    package var algorithms: Set<UInt8> = [5, 6, 7, 8]
    /// Algorithms computed as others are, by number: tgt computes 7 as SHA-1.
    package var computedAs: [UInt8: UInt8] = [:]
    /// Every login is given the same challenge.
    package var repeatsChallenge = false
    /// The target leaves the security stage without its own half of mutual CHAP.
    package var skipsMutual = false

    package init(user: String, secret: String, mutual: (user: String, secret: String)? = nil) {
      self.user = user
      self.secret = secret
      self.mutual = mutual
    }
  }

  private enum State: Sendable {
    case awaitingAlgorithm
    case awaitingResponse(algorithm: UInt8)
  }

  private let credentials: Credentials
  private let identifier: UInt8
  private let challenge: [UInt8]
  private var state = State.awaitingAlgorithm

  /// - Parameters:
  ///   - seed: makes identifier and challenge unlike every other login's at this portal.
  ///   - portal: makes them unlike another portal's.
  init(_ credentials: Credentials, seed: UInt64, portal: String) {
    self.credentials = credentials
    identifier = UInt8(truncatingIfNeeded: seed)
    var text: [UInt8] = Array("iscsifs simulator at \(portal)".utf8)
    text.append(number: credentials.repeatsChallenge ? 0 : seed, count: 8)
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
      let offered = text["CHAP_A"]?.listElements.compactMap { UInt8($0) } ?? []
      guard let algorithm = offered.first(where: credentials.algorithms.contains) else {
        return .refused
      }
      state = .awaitingResponse(algorithm: algorithm)
      return .answer(
        KeyValueText([
          ("CHAP_A", String(algorithm)), ("CHAP_I", String(identifier)),
          ("CHAP_C", challenge.textValue),
        ]))
    case .awaitingResponse(let chosen):
      let algorithm = credentials.computedAs[chosen] ?? chosen
      guard text["CHAP_N"] == credentials.user, let response = text["CHAP_R"]?.textBytes,
        response == Self.response(identifier, credentials.secret, challenge, algorithm)
      else { return .refused }
      guard let theirs = text["CHAP_C"], !credentials.skipsMutual else {
        return .authenticated(KeyValueText())
      }
      guard let mutual = credentials.mutual, let theirChallenge = theirs.textBytes,
        let number = text["CHAP_I"]?.textNumber, let theirIdentifier = UInt8(exactly: number),
        theirChallenge != challenge
      else { return .refused }
      let proof = Self.response(theirIdentifier, mutual.secret, theirChallenge, algorithm)
      return .authenticated(
        KeyValueText([("CHAP_N", mutual.user), ("CHAP_R", proof.textValue)]))
    }
  }

  /// The hash over identifier, secret and challenge (RFC 1994, 4.1); of an unknown algorithm none.
  package static func response(
    _ identifier: UInt8, _ secret: String, _ challenge: [UInt8], _ algorithm: UInt8 = 5
  ) -> [UInt8] {
    let message = [identifier] + Array(secret.utf8) + challenge
    return switch algorithm {
    case 5: Array(Insecure.MD5.hash(data: message))
    case 6: Array(Insecure.SHA1.hash(data: message))
    case 7: Array(SHA256.hash(data: message))
    case 8: Array(SHA3_256.hash(data: message))
    default: []
    }
  }
}
