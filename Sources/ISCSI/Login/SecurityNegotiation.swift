/// The security stage: which method, and that method's messages.
///
/// Source: RFC 7143, 6.3.2 and 12.
struct SecurityNegotiation: Sendable {
  private enum State {
    case idle
    case methodOffered
    case chap(CHAPExchange)
    case none
  }

  private let policy: AuthenticationPolicy
  private let challenge: CHAPChallenge?
  private var state = State.idle

  /// - Parameter challenge: ours to the target; needed where it must prove who it is.
  init(policy: AuthenticationPolicy, challenge: CHAPChallenge? = nil) {
    precondition(
      policy.chap?.targetCredentials == nil || challenge != nil, "mutual CHAP needs a challenge")
    self.policy = policy
    self.challenge = challenge
  }

  /// The key of this stage?
  static func owns(_ key: String) -> Bool {
    key == "AuthMethod" || key.hasPrefix("CHAP_")
  }

  /// We may ask to leave the stage.
  ///
  /// With None as the only offer that is so before the target answered: it has no other choice.
  var mayLeave: Bool {
    if case .chap(let exchange) = state { exchange.hasResponded } else { isComplete }
  }

  /// Both sides have proved what they had to; leaving the stage before that is a breach.
  var isComplete: Bool {
    switch state {
    case .idle: false
    case .methodOffered: policy == .none
    case .chap(let exchange): exchange.isComplete
    case .none: true
    }
  }

  /// The exchange under way or done.
  var exchange: CHAPExchange? {
    if case .chap(let exchange) = state { exchange } else { nil }
  }

  /// The offer of methods.
  mutating func start() -> [TextParameter] {
    state = .methodOffered
    return [TextParameter("AuthMethod", policy.methods.joined(separator: ","))]
  }

  /// Takes one whole text's security keys; returns what to send next.
  mutating func received(
    _ parameters: [TextParameter]
  ) throws(AuthenticationError) -> [TextParameter] {
    switch state {
    case .idle, .none:
      if let first = parameters.first { throw .unexpectedKey(first.key) }
      return []
    case .chap(var exchange):
      let reply = try exchange.received(parameters)
      state = .chap(exchange)
      return reply
    case .methodOffered:
      guard let first = parameters.first else { return [] }
      guard first.key == "AuthMethod" else { throw .unexpectedKey(first.key) }
      if parameters.count > 1 { throw .unexpectedKey(parameters[1].key) }
      return try choose(first.value)
    }
  }

  private mutating func choose(_ method: String) throws(AuthenticationError) -> [TextParameter] {
    guard policy.methods.contains(method) else { throw .methodNotOffered(method) }
    guard method == "CHAP", let chap = policy.chap else {
      state = .none
      return []
    }
    var exchange = CHAPExchange(chap, challenge: challenge)
    let offer = exchange.start()
    state = .chap(exchange)
    return offer
  }
}
