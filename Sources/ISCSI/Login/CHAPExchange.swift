/// The initiator's side of CHAP: offer algorithms, answer the challenge.
///
/// Source: RFC 7143, 12.1.3.
struct CHAPExchange: Sendable {
  /// The longest challenge, in bytes (12.1.3).
  static let maximumChallengeByteCount = 1_024
  /// Below this a challenge repeats soon enough to be replayed; RFC 1994 asks for unique ones.
  static let minimumChallengeByteCount = 8

  private enum State {
    case idle
    case algorithmsOffered
    case responded
  }

  private let credentials: CHAPCredentials
  private let algorithms: [CHAPAlgorithm]
  private var state = State.idle

  init(credentials: CHAPCredentials, algorithms: [CHAPAlgorithm] = [.md5]) {
    precondition(!algorithms.isEmpty, "CHAP needs an algorithm")
    self.credentials = credentials
    self.algorithms = algorithms
  }

  /// Our part is done: only the target's consent is missing.
  var hasResponded: Bool { state == .responded }

  /// The first message: CHAP_A.
  mutating func start() -> [TextParameter] {
    precondition(state == .idle, "CHAP starts once")
    state = .algorithmsOffered
    let numbers = algorithms.map { String($0.rawValue) }.joined(separator: ",")
    return [TextParameter("CHAP_A", numbers)]
  }

  /// Takes the CHAP keys of one message; returns the next message of ours.
  mutating func received(
    _ parameters: [TextParameter]
  ) throws(AuthenticationError) -> [TextParameter] {
    guard state == .algorithmsOffered else {
      if let first = parameters.first { throw .unexpectedKey(first.key) }
      return []
    }
    // An empty response: the target has not got to it yet.
    guard !parameters.isEmpty else { return [] }
    var rest = parameters
    let algorithm = try Self.take("CHAP_A", from: &rest)
    let identifier = try Self.take("CHAP_I", from: &rest)
    let challenge = try Self.take("CHAP_C", from: &rest)
    if let other = rest.first { throw .unexpectedKey(other.key) }
    state = .responded
    return try respond(to: algorithm, identifier, challenge)
  }

  private func respond(
    to algorithm: TextParameter, _ identifier: TextParameter, _ challenge: TextParameter
  ) throws(AuthenticationError) -> [TextParameter] {
    let number: UInt8
    let identifierByte: UInt8
    let challengeBytes: [UInt8]
    do throws(TextError) {
      identifierByte = UInt8(try identifier.number(in: 0...255))
      challengeBytes = try challenge.binary(maximumByteCount: Self.maximumChallengeByteCount)
    } catch {
      throw .malformed(error)
    }
    do { number = UInt8(try algorithm.number(in: 0...255)) } catch {
      throw .algorithmNotOffered(algorithm.value)
    }
    guard let chosen = algorithms.first(where: { $0.rawValue == number }) else {
      throw .algorithmNotOffered(algorithm.value)
    }
    guard challengeBytes.count >= Self.minimumChallengeByteCount else {
      throw .challengeTooShort(byteCount: challengeBytes.count)
    }
    let response = chosen.response(
      identifier: identifierByte, secret: credentials.secret, challenge: challengeBytes)
    return [
      TextParameter("CHAP_N", credentials.name),
      TextParameter("CHAP_R", TextParameter.hexadecimal(of: response)),
    ]
  }

  private static func take(
    _ key: String, from parameters: inout [TextParameter]
  ) throws(AuthenticationError) -> TextParameter {
    guard let index = parameters.firstIndex(where: { $0.key == key }) else {
      throw .missingKey(key)
    }
    return parameters.remove(at: index)
  }
}
