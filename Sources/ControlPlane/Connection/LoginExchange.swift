import ISCSI

/// The login PDUs of one connection: from the first request to the machine's end.
struct LoginExchange {
  /// How it ended, when it did not fail.
  enum Outcome {
    case completed(LoginResult)
    case redirected([Portal], isTemporary: Bool)
  }

  let memory: AuthenticationMemory
  /// The portal and the target, as sentences name them.
  let place: String

  /// What the parameters of a login lack: algorithms the peer has not failed with, our challenge.
  static func prepare(
    _ parameters: inout LoginParameters, for peer: String, with memory: AuthenticationMemory
  ) {
    guard let chap = parameters.authentication.chap else { return }
    parameters.authentication = parameters.authentication.offering(
      memory.offer(to: peer, of: chap.algorithms))
    if chap.targetCredentials != nil { parameters.challenge = memory.makeChallenge() }
  }

  /// Drives `machine` until it ends.
  func run(
    _ machine: inout LoginMachine, over connection: inout PortalConnection
  ) throws(LoginFailure) -> Outcome {
    let login = memory.begin()
    defer { memory.end(login) }
    var isChallengeJudged = false
    var request = machine.start()
    while true {
      let response: ProtocolDataUnit
      do {
        try connection.send(request)
        response = try connection.receive()
      } catch {
        throw LoginFailure(error.controlError(at: place, portal: connection.portal))
      }
      do {
        switch try machine.received(response) {
        case .send(let next): request = next
        case .completed(let result): return .completed(result)
        case .redirected(let portals, let isTemporary):
          return .redirected(portals, isTemporary: isTemporary)
        }
        if !isChallengeJudged, let challenge = machine.targetChallenge {
          isChallengeJudged = true
          try judge(challenge, of: login, &machine)
        }
      } catch {
        var failure = LoginFailure(error, at: place)
        if error.mayBeTheAlgorithms, machine.isAuthenticating {
          failure.failedAlgorithm = machine.chosenAlgorithm
        }
        failure.refusedOffer = machine.chosenAlgorithm == nil && error.isOfTheTarget
        throw failure
      }
    }
  }

  /// Our answer is not sent when the challenge is one that another login has.
  private func judge(
    _ challenge: [UInt8], of login: UInt64, _ machine: inout LoginMachine
  ) throws(LoginError) {
    switch memory.judge(challenge, of: login) {
    case .fresh: break
    case .repeated: machine.note(remark: "the target used this challenge in an earlier login")
    case .shared: throw .authentication(.sharedChallenge)
    case .reflected: throw .authentication(.reflectedChallenge)
    }
  }
}

extension LoginError {
  /// The target has said no, or something that no offer of ours allows.
  fileprivate var isOfTheTarget: Bool {
    switch self {
    case .refused(let status): status.statusClass == 2
    case .authentication: true
    default: false
    }
  }

  /// What a target answers that cannot compute the algorithm it chose: Authentication failure, or
  /// no more than that the initiator is at fault.
  fileprivate var mayBeTheAlgorithms: Bool {
    guard case .refused(let status) = self else { return false }
    return status.statusClass == 2 && status.detail <= 1
  }
}
