import ISCSI
import LinuxIO
import Records
import SystemPackage
import TargetSimulator
import Testing

@testable import ControlPlane

/// CHAP over TCP against the simulated target: both ways, with fallback, and what is remembered.
struct AuthenticationTests {
  private static let target = "iqn.2026-01.test:disk"
  private static let secret = "a secret of ours"
  private static let theirSecret = "a secret of theirs"
  private static let all: [ISCSI.CHAPAlgorithm] = [.sha3of256, .sha256, .sha1, .md5]

  private let driver: LoginDriver

  init() throws {
    driver = LoginDriver(pool: try BlockingPool(name: "test", threadCount: 4, capacity: 8))
  }

  private func server(
    _ credentials: CHAPAuthenticator.Credentials?,
    discovery: CHAPAuthenticator.Credentials? = nil
  ) throws -> SimulatorServer {
    let target = SimulatedTarget(name: Self.target, credentials: credentials)
    target.add(SimulatedLogicalUnit(.init(blockCount: 2048)), lun: 0)
    let portal = SimulatedPortal(targets: [target])
    portal.discoveryCredentials = discovery
    return try SimulatorServer(portal)
  }

  private func policy(
    _ secret: String = AuthenticationTests.secret, target: String? = nil,
    algorithms: [ISCSI.CHAPAlgorithm] = [.md5]
  ) -> AuthenticationPolicy {
    .chapRequired(
      CHAPParameters(
        CHAPCredentials(name: "user", secret: Array(secret.utf8)),
        target: target.map { CHAPCredentials(name: "target", secret: Array($0.utf8)) },
        algorithms: algorithms))
  }

  private func settings(
    session: AuthenticationPolicy = .none, discovery: AuthenticationPolicy = .none,
    milliseconds: UInt64 = 60_000
  ) -> InitiatorSettings {
    var settings = InitiatorSettings(
      initiatorName: "iqn.2026-01.test:initiator", isidRandom: 0x123456)
    settings.loginTimeoutMilliseconds = milliseconds
    settings.sessionAuthentication = session
    settings.discoveryAuthentication = discovery
    return settings
  }

  /// How a login ends, and what it knows at its end.
  private func logIn(
    _ server: SimulatorServer, _ policy: AuthenticationPolicy, milliseconds: UInt64 = 60_000
  ) async throws -> Result<LoginFacts, LoginFailure> {
    let order = LoginOrder(
      targetName: Self.target, portal: Portal(host: "127.0.0.1", port: server.port),
      isid: ISID(random: 1, qualifier: 1))
    do throws(LoginFailure) {
      return .success(
        try await driver.logIn(
          order, settings: settings(session: policy, milliseconds: milliseconds)
        ).facts)
    } catch {
      return .failure(error)
    }
  }

  /// What the initiator offered in each login so far.
  private func offers(to server: SimulatorServer) -> [String] {
    server.withPortal { $0.log.securityTexts.compactMap { $0["CHAP_A"] } }
  }

  @Test("C01, C33 each algorithm logs in, one way and both", arguments: all)
  func algorithms(_ algorithm: ISCSI.CHAPAlgorithm) async throws {
    var credentials = CHAPAuthenticator.Credentials(
      user: "user", secret: Self.secret, mutual: ("target", Self.theirSecret))
    credentials.algorithms = [algorithm.rawValue]
    let server = try server(credentials)
    defer { server.stop() }
    for secret in [nil, Self.theirSecret] {
      let login = try await logIn(server, policy(target: secret, algorithms: Self.all)).get()
      let text = try #require(login.records.last?.text)
      #expect(text.contains("< CHAP_A=\(algorithm.rawValue)\n") && login.tsih != 0)
      // What the target proves in its turn.
      #expect(text.contains("< CHAP_R=") == (secret != nil))
    }
  }

  /// AuthMethod, CHAP_A, CHAP_N and CHAP_R, the operational keys: a response each.
  @Test("E28 a login that gets stuck at any step ends at the login timeout", arguments: 0..<5)
  func stuck(step: Int) async throws {
    let credentials = CHAPAuthenticator.Credentials(
      user: "user", secret: Self.secret, mutual: ("target", Self.theirSecret))
    let server = try server(credentials)
    defer { server.stop() }
    server.withPortal { $0.faultsForConnection = { _ in [FreezeFault(afterPDUs: step)] } }
    let outcome = try await logIn(
      server, policy(target: Self.theirSecret), milliseconds: step < 4 ? 400 : 60_000)
    guard step < 4, case .failure(let failure) = outcome else {
      // Nothing more than four responses are wanted.
      #expect(step == 4 && (try? outcome.get()) != nil, "\(outcome)")
      return
    }
    #expect(failure.error.errno == .timedOut && failure.error.code == .transportTimeout)
    #expect(!failure.isPermanent)
  }

  @Test("C24, H46 a target that lacks its secret, or is not asked, is refused with EKEYREJECTED")
  func impostors() async throws {
    var credentials = CHAPAuthenticator.Credentials(
      user: "user", secret: Self.secret, mutual: ("target", "not what it should be"))
    let impostor = try server(credentials)
    credentials.skipsMutual = true
    let skipper = try server(credentials)
    defer {
      impostor.stop()
      skipper.stop()
    }
    for (server, words) in [
      (impostor, "does not know the secret"), (skipper, "without proving who it is"),
    ] {
      let outcome = try await logIn(server, policy(target: Self.theirSecret))
      guard case .failure(let failure) = outcome else {
        Issue.record("let in")
        continue
      }
      #expect(failure.error.errno == .keyRejected && failure.isPermanent)
      #expect(failure.error.code == .loginAuthenticationFailed)
      #expect(failure.error.sentence.contains(words), "\(failure.error.sentence)")
      #expect(failure.error.sentence.contains("127.0.0.1:\(server.port)"))
    }
  }

  @Test("C33 a target that computes 7 as SHA-1 gets what is left, and is remembered")
  func fallback() async throws {
    var credentials = CHAPAuthenticator.Credentials(user: "user", secret: Self.secret)
    credentials.algorithms = [5, 7]
    credentials.computedAs = [7: 6]
    let server = try server(credentials)
    defer { server.stop() }
    let first = try await logIn(server, policy(algorithms: [.sha256, .md5])).get()
    #expect(offers(to: server) == ["7,5", "5"])
    #expect(first.records.count == 2)
    #expect(
      first.records[0].text.hasPrefix(
        "127.0.0.1:\(server.port): the target refused the login: Authentication failure (0x0201)\n"
          + "> Login Request T=0 C=0 CSG=0 NSG=0\n> InitiatorName=iqn.2026-01.test:initiator\n"))
    #expect(first.records[0].text.contains("status=0x0201 (Authentication failure)\n"))
    #expect(first.records[1].text.hasPrefix("127.0.0.1:\(server.port): logged in\n"))
    _ = try await logIn(server, policy(algorithms: [.sha256, .md5])).get()
    #expect(offers(to: server) == ["7,5", "5", "5"])
  }

  @Test("C30 a wrong secret: a try an algorithm, then one a login; the first failure is told")
  func wrongSecret() async throws {
    let server = try server(.init(user: "user", secret: Self.secret))
    defer { server.stop() }
    for _ in 0..<3 {
      let outcome = try await logIn(server, policy("another secret", algorithms: Self.all))
      guard case .failure(let failure) = outcome else {
        Issue.record("let in")
        continue
      }
      #expect(failure.error.errno == .keyRejected && failure.isPermanent)
      #expect(
        failure.error.sentence
          == "127.0.0.1:\(server.port), target \(Self.target): the target refused the login: "
          + "Authentication failure (0x0201)")
    }
    #expect(offers(to: server) == ["8,7,6,5", "7,6,5", "6,5", "5", "8,7,6,5", "7,6,5"])
    let one = try self.server(.init(user: "user", secret: Self.secret))
    defer { one.stop() }
    _ = try await logIn(one, policy("another secret"))
    #expect(offers(to: one) == ["5"])
  }

  @Test("C35 each login sends a challenge of its own")
  func freshChallenges() async throws {
    let server = try server(
      .init(user: "user", secret: Self.secret, mutual: ("target", Self.theirSecret)))
    defer { server.stop() }
    for _ in 0..<3 { _ = try await logIn(server, policy(target: Self.theirSecret)).get() }
    let challenges = server.withPortal { $0.log.securityTexts.compactMap { $0["CHAP_C"] } }
    let responses = server.withPortal { $0.log.securityTexts.compactMap { $0["CHAP_R"] } }
    #expect(challenges.count == 3 && Set(challenges).count == 3)
    #expect(Set(responses).count == 3)
  }

  @Test("C16 a target that repeats its challenge is let in, and the log remarks on it")
  func repeatedChallenge() async throws {
    var credentials = CHAPAuthenticator.Credentials(user: "user", secret: Self.secret)
    credentials.repeatsChallenge = true
    let server = try server(credentials)
    defer { server.stop() }
    let remark = "! the target used this challenge in an earlier login\n"
    let first = try await logIn(server, policy()).get()
    #expect(first.records.first?.text.contains(remark) == false)
    let second = try await logIn(server, policy()).get()
    #expect(second.records.first?.text.contains(remark) == true)
  }

  @Test("C34 discovery and sessions have their own secrets, and never the other's")
  func discovery() async throws {
    let server = try server(
      .init(user: "user", secret: Self.secret),
      discovery: .init(user: "user", secret: "for discovery only"))
    defer { server.stop() }
    let portal = Portal(host: "127.0.0.1", port: server.port)
    let own = settings(session: policy(), discovery: policy("for discovery only"))
    #expect(try await driver.discover(at: portal, settings: own).targets.count == 1)
    _ = try await logIn(server, policy()).get()
    for wrong in [settings(session: policy("for discovery only")), settings(discovery: policy())] {
      await #expect(throws: ControlError.self) {
        _ = try await driver.discover(at: portal, settings: wrong)
      }
    }
    let crossed = try await logIn(server, policy("for discovery only"))
    #expect(throws: LoginFailure.self) { try crossed.get() }
  }

  @Test("C33, C34 a configuration's names, secrets and algorithms for each kind of session")
  func configuration() throws {
    var configuration = Configuration()
    configuration.authentication.method = .chap
    configuration.authentication.userName = "user"
    configuration.authentication.secret = Secret(Self.secret)
    configuration.authentication.targetUserName = "target"
    configuration.authentication.targetSecret = Secret(Self.theirSecret)
    configuration.authentication.algorithms = [.sha3of256, .sha256, .sha1, .md5]
    let settings = try InitiatorSettings(
      configuration, initiatorName: "iqn.2026-01.test:initiator", isidRandom: 1)
    #expect(
      settings.sessionAuthentication == policy(target: Self.theirSecret, algorithms: Self.all))
    #expect(settings.discoveryAuthentication == .none)
    configuration.authentication.targetSecret = nil
    #expect(throws: ControlError.self) {
      try InitiatorSettings(
        configuration, initiatorName: "iqn.2026-01.test:initiator", isidRandom: 1)
    }
  }

  // MARK: - Challenges of several logins

  @Test("C17, H44 a challenge we sent in another login is ours wherever it comes back")
  func reflected() {
    let memory = AuthenticationMemory()
    let ours = memory.makeChallenge()
    let login = memory.begin()
    #expect(memory.judge(ours.bytes, of: login) == .reflected)
    #expect(memory.judge(Array(ours.bytes.prefix(16)), of: login) == .reflected)
    #expect(memory.judge(Array(ours.bytes.reversed()), of: login) == .fresh)
  }

  /// The first login stands still before the target's last answer, the second comes beside it.
  @Test("C18 a target that gives two logins under way one challenge gets no answer in the second")
  func parallel() async throws {
    var credentials = CHAPAuthenticator.Credentials(user: "user", secret: Self.secret)
    credentials.repeatsChallenge = true
    let server = try server(credentials)
    defer { server.stop() }
    server.withPortal { portal in
      // The choice of CHAP, and the challenge.
      portal.faultsForConnection = { $0 == 0 ? [FreezeFault(afterPDUs: 2)] : [] }
    }
    async let first = logIn(server, policy())
    while server.withPortal({ $0.log.securityTexts.count { $0["CHAP_R"] != nil } }) == 0 {
      await ManualClock.pause()
    }
    guard case .failure(let failure) = try await logIn(server, policy()) else {
      Issue.record("let in by another login's challenge")
      return
    }
    #expect(failure.error.errno == .keyRejected)
    #expect(failure.error.sentence.contains("challenge of another login"), "\(failure.error)")
    // The answer to it was said once only, in the login it belongs to.
    #expect(server.withPortal { $0.log.securityTexts.count { $0["CHAP_R"] != nil } } == 1)
    server.withPortal { portal in
      // On a machine too slow for the first login's time there is none left to thaw.
      for connection in portal.connections {
        for fault in connection.faults { (fault as? FreezeFault)?.isFrozen = false }
      }
    }
    _ = try await first.get()
    // It has ended: the same challenge once more is remarked upon, no more.
    #expect(try await logIn(server, policy()).get().records.first?.text.contains("! ") == true)
  }

  @Test("C18 the challenge of a login under way is refused in another, until that has ended")
  func shared() {
    let memory = AuthenticationMemory()
    let (first, second) = (memory.begin(), memory.begin())
    let challenge = [UInt8](repeating: 7, count: 16)
    #expect(memory.judge(challenge, of: first) == .fresh)
    #expect(memory.judge(challenge, of: second) == .shared)
    memory.end(first)
    #expect(memory.judge(challenge, of: second) == .repeated)
    let other = memory.begin()
    for number in 0..<UInt64(1_000) {
      let bytes = (0..<8).map { UInt8(truncatingIfNeeded: number >> ($0 * 8)) }
      #expect(memory.judge(bytes, of: other) == .fresh)
    }
    // Only so many are kept in mind.
    memory.end(second)
    #expect(memory.judge(challenge, of: other) == .fresh)
  }
}
