import ISCSI
import Synchronization

/// What logins know of each other's CHAP while the program runs: challenges seen, and what a target
/// failed with.
///
/// Shared by every login of a mount; all of it is bounded, none of it a secret.
/// Source: RFC 7143, 9.2.1.
package final class AuthenticationMemory: Sendable {
  /// Targets whose failures are kept in mind; beyond that, all are forgotten and found out anew.
  static let maximumPeerCount = 4_096

  /// What a target's challenge is to the other logins.
  enum Verdict: Equatable {
    case fresh
    /// It was another login's before.
    case repeated
    /// It is another login's that has not ended.
    case shared
    /// It is one of ours come back.
    case reflected
  }

  private struct State {
    var fallbacks: [String: CHAPFallback] = [:]
    var ours = RecentChallenges<CHAPChallenge>()
    var theirs = RecentChallenges<[UInt8]>()
    var underWay: [UInt64: [UInt8]] = [:]
    var lastLogin: UInt64 = 0
  }

  private let state = Mutex(State())

  package init() {}

  // MARK: - Algorithms

  /// What to offer `peer` of `algorithms`.
  func offer(to peer: String, of algorithms: [CHAPAlgorithm]) -> [CHAPAlgorithm] {
    state.withLock { $0.fallbacks[peer]?.offer(of: algorithms) ?? algorithms }
  }

  /// Notes that `peer` refused after choosing `algorithm`; true when another try is due.
  private func failed(
    at peer: String, with algorithm: CHAPAlgorithm, of algorithms: [CHAPAlgorithm]
  ) -> Bool {
    state.withLock { state in
      let isFull = state.fallbacks.count >= Self.maximumPeerCount
      if isFull, state.fallbacks[peer] == nil { state.fallbacks = [:] }
      return state.fallbacks[peer, default: CHAPFallback()].failed(with: algorithm, of: algorithms)
    }
  }

  /// Notes that `peer` could do nothing with what it was offered.
  private func refusedTheRest(at peer: String) {
    state.withLock { $0.fallbacks[peer]?.refusedTheRest() }
  }

  private func succeeded(at peer: String) {
    state.withLock { $0.fallbacks[peer]?.succeeded() }
  }

  /// Runs a login of `peer` until it succeeds, or fails for another reason than an algorithm the
  /// peer cannot compute, with one less to offer each time.
  ///
  /// Throws the first failure: the later ones had less to offer.
  func fallingBack<Value: ~Copyable>(
    at peer: String, _ algorithms: [CHAPAlgorithm], _ logIn: () throws(LoginFailure) -> Value
  ) throws(LoginFailure) -> Value {
    var first: LoginFailure?
    while true {
      do throws(LoginFailure) {
        let value = try logIn()
        succeeded(at: peer)
        return value
      } catch {
        first = first ?? error
        if error.refusedOffer { refusedTheRest(at: peer) }
        guard let algorithm = error.failedAlgorithm,
          failed(at: peer, with: algorithm, of: algorithms)
        else { throw first ?? error }
      }
    }
  }

  // MARK: - Challenges

  /// A challenge of ours for one login.
  func makeChallenge() -> CHAPChallenge {
    var generator = SystemRandomNumberGenerator()
    let challenge = CHAPChallenge(using: &generator)
    state.withLock { $0.ours.insert(challenge) }
    return challenge
  }

  /// A number for a login that begins.
  func begin() -> UInt64 {
    state.withLock { state in
      state.lastLogin += 1
      return state.lastLogin
    }
  }

  /// Judges the challenge a login was given; the login's until it ends.
  func judge(_ challenge: [UInt8], of login: UInt64) -> Verdict {
    state.withLock { state in
      if state.ours.contains(where: { $0.isReflected(in: challenge) }) { return .reflected }
      if state.underWay.contains(where: { $0.key != login && $0.value == challenge }) {
        return .shared
      }
      state.underWay[login] = challenge
      if state.theirs.contains(where: { $0 == challenge }) { return .repeated }
      state.theirs.insert(challenge)
      return .fresh
    }
  }

  func end(_ login: UInt64) {
    state.withLock { $0.underWay[login] = nil }
  }
}
