/// The initiator's side of CHAP: offer algorithms, answer the challenge, judge the target's answer.
///
/// Source: RFC 7143, 12.1.3 and 9.2.1.
struct CHAPExchange: Sendable {
  /// The longest challenge or response, in bytes (12.1.3).
  static let maximumBinaryByteCount = 1_024
  /// Below this a challenge repeats soon enough to be replayed; RFC 1994 asks for unique ones.
  static let minimumChallengeByteCount = 8
  /// The longest name, in bytes (6.1).
  static let maximumNameByteCount = 255

  private enum State {
    case idle
    case algorithmsOffered
    /// We have answered, and ask nothing of the target.
    case responded
    /// We have answered with `response`, and wait for the target's.
    case challenged(response: [UInt8])
    /// The target has proved who it is.
    case proven
  }

  private let parameters: CHAPParameters
  /// Ours to the target; there where the target must prove who it is.
  private let challenge: CHAPChallenge?
  private var state = State.idle
  /// What the target chose, once we have answered.
  private(set) var algorithm: CHAPAlgorithm?
  /// What the target asked us, once we have answered.
  private(set) var targetChallenge: [UInt8]?

  init(_ parameters: CHAPParameters, challenge: CHAPChallenge? = nil) {
    precondition(!parameters.algorithms.isEmpty, "CHAP needs an algorithm")
    precondition(
      parameters.targetCredentials == nil || challenge != nil, "mutual CHAP needs a challenge")
    self.parameters = parameters
    self.challenge = challenge
  }

  /// All is said that we say: we may ask to go on.
  var hasResponded: Bool {
    switch state {
    case .idle, .algorithmsOffered: false
    case .responded, .challenged, .proven: true
    }
  }

  /// Both sides have proved what they had to: only the target's consent is missing.
  var isComplete: Bool {
    switch state {
    case .idle, .algorithmsOffered, .challenged: false
    case .responded, .proven: true
    }
  }

  /// The first message: CHAP_A.
  mutating func start() -> [TextParameter] {
    guard case .idle = state else { preconditionFailure("CHAP starts once") }
    state = .algorithmsOffered
    let numbers = parameters.algorithms.map { String($0.rawValue) }.joined(separator: ",")
    return [TextParameter("CHAP_A", numbers)]
  }

  /// Takes the CHAP keys of one message; returns the next message of ours.
  mutating func received(
    _ keys: [TextParameter]
  ) throws(AuthenticationError) -> [TextParameter] {
    // An empty response: the target has not got to it yet.
    guard let first = keys.first else { return [] }
    switch state {
    case .idle, .responded, .proven: throw .unexpectedKey(first.key)
    case .algorithmsOffered: return try respond(to: keys)
    case .challenged(let response):
      try judge(keys, ours: response)
      state = .proven
      return []
    }
  }

  // MARK: - The target's challenge

  private mutating func respond(
    to keys: [TextParameter]
  ) throws(AuthenticationError) -> [TextParameter] {
    var rest = keys
    let (chosen, identifier, theirs) = (
      try Self.take("CHAP_A", from: &rest), try Self.take("CHAP_I", from: &rest),
      try Self.take("CHAP_C", from: &rest)
    )
    if let other = rest.first { throw .unexpectedKey(other.key) }
    let identifierByte: UInt8
    do { identifierByte = UInt8(try identifier.number(in: 0...255)) } catch {
      throw .malformed(error)
    }
    let bytes = try Self.binary(theirs)
    let algorithm = try algorithm(chosen)
    guard bytes.count >= Self.minimumChallengeByteCount else {
      throw .challengeTooShort(byteCount: bytes.count)
    }
    if let challenge, challenge.isReflected(in: bytes) { throw .reflectedChallenge }
    let response = algorithm.response(
      identifier: identifierByte, secret: parameters.credentials.secret, challenge: bytes)
    self.algorithm = algorithm
    targetChallenge = bytes
    var answer = [
      TextParameter("CHAP_N", parameters.credentials.name),
      TextParameter("CHAP_R", TextParameter.hexadecimal(of: response)),
    ]
    state = .responded
    if parameters.targetCredentials != nil, let challenge {
      answer.append(TextParameter("CHAP_I", String(challenge.identifier)))
      let ours = challenge.bytes.prefix(algorithm.responseByteCount)
      answer.append(TextParameter("CHAP_C", TextParameter.hexadecimal(of: ours)))
      state = .challenged(response: response)
    }
    return answer
  }

  private func algorithm(
    _ chosen: TextParameter
  ) throws(AuthenticationError) -> CHAPAlgorithm {
    let number = (try? chosen.number(in: 0...255)).map { UInt8($0) }
    guard let algorithm = parameters.algorithms.first(where: { $0.rawValue == number }) else {
      throw .algorithmNotOffered(chosen.value)
    }
    return algorithm
  }

  // MARK: - The target's response

  /// Throws unless `keys` prove that the target is who it must be.
  private func judge(
    _ keys: [TextParameter], ours: [UInt8]
  ) throws(AuthenticationError) {
    guard let expected = parameters.targetCredentials, let challenge, let algorithm else {
      preconditionFailure("only a target that was challenged is judged")
    }
    var rest = keys
    let name = try Self.take("CHAP_N", from: &rest).value
    let response = try Self.binary(try Self.take("CHAP_R", from: &rest))
    if let other = rest.first { throw .unexpectedKey(other.key) }
    guard name.utf8.count <= Self.maximumNameByteCount else {
      throw .malformed(.valueTooLong(key: "CHAP_N", limit: Self.maximumNameByteCount))
    }
    guard name == expected.name else {
      throw name == parameters.credentials.name ? .ownName : .targetName(name)
    }
    if Self.isEqual(response, ours) { throw .reflectedResponse }
    guard response.count == algorithm.responseByteCount else {
      throw .responseLength(response.count, expected: algorithm.responseByteCount)
    }
    let right = algorithm.response(
      identifier: challenge.identifier, secret: expected.secret,
      challenge: Array(challenge.bytes.prefix(algorithm.responseByteCount)))
    guard Self.isEqual(response, right) else { throw .wrongResponse }
  }

  /// Compares without leaving early: the time tells nothing about where two responses differ.
  static func isEqual(_ left: [UInt8], _ right: [UInt8]) -> Bool {
    guard left.count == right.count else { return false }
    return zip(left, right).reduce(0) { $0 | ($1.0 ^ $1.1) } == 0
  }

  private static func binary(
    _ parameter: TextParameter
  ) throws(AuthenticationError) -> [UInt8] {
    do { return try parameter.binary(maximumByteCount: maximumBinaryByteCount) } catch {
      throw .malformed(error)
    }
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
