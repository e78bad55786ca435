import Glibc
import ISCSI
import LinuxIO
import LoopbackPeer
import Reactor
import SystemPackage
import TargetSimulator
import Testing

@testable import ControlPlane

/// Every way a portal can disappoint, its errno, its sentence, and its bound.
struct LoginErrorTests {
  private static let target = "iqn.2026-01.test:disk"

  private func settings(
    authentication: AuthenticationPolicy = .none
  ) -> InitiatorSettings {
    var settings = InitiatorSettings(
      initiatorName: "iqn.2026-01.test:initiator", isidRandom: 0x123456)
    settings.loginTimeoutMilliseconds = 400
    settings.sessionAuthentication = authentication
    return settings
  }

  /// How a login at `portal` fails.
  private func failure(
    at portal: Portal, authentication: AuthenticationPolicy = .none,
    target: String = LoginErrorTests.target
  ) async throws -> LoginFailure? {
    let order = LoginOrder(
      targetName: target, portal: portal, isid: ISID(random: 1, qualifier: 1))
    do throws(LoginFailure) {
      _ = try await driver().logIn(order, settings: settings(authentication: authentication))
      return nil
    } catch {
      return error
    }
  }

  private func driver() -> LoginDriver {
    guard let pool = try? BlockingPool(name: "test", threadCount: 2, capacity: 8) else {
      preconditionFailure("descriptors are left for a test")
    }
    return LoginDriver(pool: pool)
  }

  @Test func refusedPortalIsECONNREFUSED() async throws {
    let port = try LoopbackPeer().port
    let failure = try #require(try await failure(at: Portal(host: "127.0.0.1", port: port)))
    #expect(failure.error.errno == .connectionRefused && failure.error.code == .transport)
    #expect(failure.error.sentence.contains("127.0.0.1:\(port)"))
    #expect(failure.error.sentence.contains(Self.target))
    #expect(!failure.isPermanent)
  }

  @Test func unknownHostIsHOSTNOTFOUND() async throws {
    let failure = try #require(
      try await failure(at: Portal(host: "no-such-host.invalid", port: 3260)))
    #expect([.hostNotFound, .transportTimeout].contains(failure.error.code))
  }

  @Test("E28 a portal that says nothing is ETIMEDOUT", .timeLimit(.minutes(5)))
  func silentPortalIsETIMEDOUTWithinTheLoginTimeout() async throws {
    let peer = try LoopbackPeer()
    let failure = try #require(try await failure(at: Portal(host: "127.0.0.1", port: peer.port)))
    #expect(failure.error.errno == .timedOut && failure.error.code == .transportTimeout)
  }

  @Test func webServerIsEPROTO() async throws {
    let peer = try LoopbackPeer()
    peer.serve { socket in
      let deadline = MonotonicTime.now.advanced(milliseconds: 2_000)
      _ = try? socket.receive(maximumCount: 4096, deadline: deadline)
      try? socket.sendAll(Array("HTTP/1.1 400 Bad".utf8), deadline: deadline)
      _ = try? socket.receive(maximumCount: 4096, deadline: deadline)
    }
    let failure = try #require(try await failure(at: Portal(host: "127.0.0.1", port: peer.port)))
    #expect(failure.error.errno == .protocolError)
    #expect(failure.error.sentence.contains("does not speak iSCSI"))
  }

  @Test(arguments: [0x00, 0x23, 0x3F, 0xFF] as [UInt8])
  func endlessBytesAreEPROTOAtOnce(byte: UInt8) async throws {
    let peer = try LoopbackPeer()
    peer.serve { socket in
      let deadline = MonotonicTime.now.advanced(milliseconds: 2_000)
      let bytes = [UInt8](repeating: byte, count: 65_536)
      while (try? socket.sendAll(bytes, deadline: deadline)) != nil {}
    }
    let failure = try #require(try await failure(at: Portal(host: "127.0.0.1", port: peer.port)))
    #expect(failure.error.errno == .protocolError)
  }

  @Test func peerThatClosesIsECONNRESET() async throws {
    let peer = try LoopbackPeer()
    peer.serve { socket in
      _ = try? socket.receive(
        maximumCount: 4096, deadline: .now.advanced(milliseconds: 2_000))
    }
    let failure = try #require(try await failure(at: Portal(host: "127.0.0.1", port: peer.port)))
    #expect(failure.error.errno == .connectionReset)
  }

  // MARK: - Targets that answer

  private func server(
    credentials: CHAPAuthenticator.Credentials? = nil,
    refusal: SimulatedTarget.LoginRefusal? = nil
  ) throws -> SimulatorServer {
    let target = SimulatedTarget(name: Self.target, credentials: credentials)
    target.loginRefusal = refusal
    target.add(SimulatedLogicalUnit(.init(blockCount: 2048)), lun: 0)
    return try SimulatorServer(SimulatedPortal(targets: [target]))
  }

  private func chap(_ secret: String) -> AuthenticationPolicy {
    .chapRequired(CHAPParameters(CHAPCredentials(name: "user", secret: Array(secret.utf8))))
  }

  @Test func loginSucceedsAndTheSocketIsHandedOver() async throws {
    let server = try server()
    defer { server.stop() }
    let order = LoginOrder(
      targetName: Self.target, portal: Portal(host: "127.0.0.1", port: server.port),
      isid: ISID(random: 1, qualifier: 1))
    let connection = try await driver().logIn(order, settings: settings())
    #expect(connection.facts.tsih != 0 && connection.facts.ends.port == server.port)
    #expect(!connection.facts.records.isEmpty)
    #expect(connection.handover.earlyBytes.isEmpty)
  }

  @Test func rightSecretLogsInAndAWrongOneIsEKEYREJECTED() async throws {
    let server = try server(credentials: .init(user: "user", secret: "a secret of ours"))
    defer { server.stop() }
    let portal = Portal(host: "127.0.0.1", port: server.port)
    #expect(try await failure(at: portal, authentication: chap("a secret of ours")) == nil)
    let wrong = try #require(
      try await failure(at: portal, authentication: chap("another secret")))
    #expect(wrong.error.errno == .keyRejected && wrong.isPermanent)
    #expect(wrong.error.code == .loginAuthenticationFailed)
    let none = try #require(try await failure(at: portal))
    #expect(none.error.errno == .keyRejected)
  }

  @Test func unknownTargetIsENOENT() async throws {
    let server = try server()
    defer { server.stop() }
    let failure = try #require(
      try await failure(
        at: Portal(host: "127.0.0.1", port: server.port), target: "iqn.2026-01.test:none"))
    #expect(failure.error.errno == .noSuchFileOrDirectory && failure.isPermanent)
  }

  struct Refusal: Sendable {
    let status: UInt16
    let errno: Errno
    let code: InitiatorErrorCode
    /// What is worth another try and what is not.
    let isPermanent: Bool
    let words: String
  }

  static let refusals: [Refusal] = [
    (0x0200, .protocolError, .fatalLogin, true, "Initiator error"),
    (0x0201, .keyRejected, .loginAuthenticationFailed, true, "Authentication failure"),
    (0x0202, .keyRejected, .loginAuthenticationFailed, true, "Authorization failure"),
    (0x0203, .noSuchFileOrDirectory, .fatalLogin, true, "Not found"),
    (0x0204, .noSuchFileOrDirectory, .fatalLogin, true, "Target removed"),
    (0x0205, .protocolError, .fatalLogin, true, "Unsupported version"),
    (0x0206, .resourceBusy, .login, false, "Too many connections"),
    (0x0207, .protocolError, .fatalLogin, true, "Missing parameter"),
    (0x0208, .resourceBusy, .login, false, "Can't include in session"),
    (0x0209, .protocolError, .fatalLogin, true, "Session type not supported"),
    (0x020A, .protocolError, .fatalLogin, true, "Session does not exist"),
    (0x020B, .protocolError, .fatalLogin, true, "Invalid request during login"),
    (0x020C, .protocolError, .fatalLogin, true, "Unknown status"),
    (0x0300, .resourceTemporarilyUnavailable, .login, false, "Target error"),
    (0x0301, .resourceTemporarilyUnavailable, .login, false, "Service unavailable"),
    (0x0302, .resourceTemporarilyUnavailable, .login, false, "Out of resources"),
    (0x0303, .protocolError, .fatalLogin, true, "Unknown status"),
    (0x0400, .protocolError, .fatalLogin, true, "Unknown status"),
    (0xFFFF, .protocolError, .fatalLogin, true, "Unknown status"),
  ].map { Refusal(status: $0, errno: $1, code: $2, isPermanent: $3, words: $4) }

  /// RFC 7143, 11.13.5.
  @Test(
    "L34, L35, L36, L37 every refusal has its errno, code and sentence, and is for good or not",
    arguments: refusals)
  func statusHasItsErrno(_ refusal: Refusal) async throws {
    let server = try server(
      refusal: .init(
        statusClass: UInt8(refusal.status >> 8), statusDetail: UInt8(refusal.status & 0xFF)))
    defer { server.stop() }
    let failure = try #require(
      try await failure(at: Portal(host: "127.0.0.1", port: server.port)))
    #expect(failure.error.errno == refusal.errno && failure.error.code == refusal.code)
    #expect(failure.isPermanent == refusal.isPermanent)
    let digits = String(refusal.status, radix: 16, uppercase: true)
    let code = "0x" + String(repeating: "0", count: 4 - digits.count) + digits
    #expect(failure.error.sentence.contains(server.address))
    #expect(failure.error.sentence.contains(Self.target))
    #expect(
      failure.error.sentence.hasSuffix(": the target refused the login: \(refusal.words) (\(code))")
    )
  }

  @Test(
    "L33 a redirection is followed, and only a permanent one remembered",
    arguments: [1, 2] as [UInt8])
  func redirectionIsFollowedAndOnlyAPermanentOneRemembered(detail: UInt8) async throws {
    let real = try server()
    let moved = try server(
      refusal: .init(statusClass: 1, statusDetail: detail, address: real.address))
    defer {
      real.stop()
      moved.stop()
    }
    let portal = Portal(host: "127.0.0.1", port: moved.port)
    let order = LoginOrder(
      targetName: Self.target, portal: portal, isid: ISID(random: 1, qualifier: 1))
    let connection = try await driver().logIn(order, settings: settings())
    #expect(connection.facts.ends.port == real.port && connection.facts.portal == portal)
    #expect(connection.facts.movedTo?.port == (detail == 2 ? real.port : nil))
  }

  @Test("H35 a redirection to itself ends")
  func redirectionToItselfEnds() async throws {
    let server = try server()
    defer { server.stop() }
    let address = server.address
    server.withPortal { portal in
      portal.targets[0].loginRefusal = .init(
        statusClass: 1, statusDetail: 1, address: address)
    }
    let failure = try #require(
      try await failure(at: Portal(host: "127.0.0.1", port: server.port)))
    #expect(failure.error.errno == .protocolError)
    #expect(failure.error.sentence.contains("circle"))
  }

  @Test("L17 a PDU that has no place in a login is EPROTO, and worth another try")
  func unexpectedPDU() {
    for opcode in [Opcode.nopIn, .dataIn, Opcode(rawValue: 0x3F)] {
      let failure = LoginFailure(.unexpectedPDU(opcode), at: "p")
      #expect(failure.error.errno == .protocolError && !failure.isPermanent)
      #expect(failure.error.sentence.hasPrefix("p: ") && failure.error.code == .login)
    }
  }

  @Test(
    "L18 digests hold from the first PDU after the login, in both directions",
    arguments: [[DigestMethod.crc32c], [.none]])
  func digests(methods: [DigestMethod]) async throws {
    let server = try server()
    defer { server.stop() }
    var wanted = settings()
    wanted.loginTimeoutMilliseconds = 5_000
    wanted.discoveryOperational.headerDigest = methods
    wanted.discoveryOperational.dataDigest = methods
    let found = try await driver().discover(
      at: Portal(host: "127.0.0.1", port: server.port), settings: wanted
    ).targets
    #expect(found.map(\.name.value) == [Self.target])
  }

  @Test("L40, L43 RFC 7144's keys with targets that take, lower, refuse and do not know them")
  func newKeys() async throws {
    let outcomes: [(level: Int, refusal: String?, agreed: UInt32, reporting: TaskReporting)] = [
      (2, nil, 2, .responseFence), (1, nil, 1, .responseFence),
      (2, "NotUnderstood", 1, .rfc3720), (2, "Reject", 1, .rfc3720),
    ]
    for outcome in outcomes {
      let server = try server()
      defer { server.stop() }
      server.withPortal { portal in
        portal.targets[0].parameters.iSCSIProtocolLevel = outcome.level
        guard let refusal = outcome.refusal else { return }
        for key in ["iSCSIProtocolLevel", "TaskReporting"] {
          portal.targets[0].parameters.refusals[key] = refusal
        }
      }
      var wanted = settings()
      wanted.loginTimeoutMilliseconds = 5_000
      wanted.operational.iSCSIProtocolLevel = 2
      wanted.operational.taskReporting = [.fastAbort, .responseFence]
      let connection = try await driver().logIn(
        LoginOrder(
          targetName: Self.target, portal: Portal(host: "127.0.0.1", port: server.port),
          isid: ISID(random: 1, qualifier: 1)),
        settings: wanted)
      let agreed = connection.facts.parameters
      #expect(agreed.iSCSIProtocolLevel == outcome.agreed, "\(outcome)")
      #expect(agreed.taskReporting == outcome.reporting, "\(outcome)")
      let text = try #require(connection.facts.records.first?.text)
      #expect(text.contains("> iSCSIProtocolLevel=2\n> TaskReporting=FastAbort,ResponseFence\n"))
    }
  }

  @Test func discoveryHasALoginTimeoutOfItsOwn() async throws {
    let peer = try LoopbackPeer()
    var wanted = settings()
    wanted.loginTimeoutMilliseconds = 60_000
    wanted.discoveryLoginTimeoutMilliseconds = 200
    await #expect(throws: ControlError.self) {
      _ = try await driver().discover(
        at: Portal(host: "127.0.0.1", port: peer.port), settings: wanted)
    }
  }

  @Test func connectionsAreMadeWithTheConfiguredSocketOptions() async throws {
    let server = try server()
    defer { server.stop() }
    var wanted = settings()
    wanted.loginTimeoutMilliseconds = 5_000
    wanted.socketOptions.typeOfService = 0x28
    let connection = try await driver().logIn(
      LoginOrder(
        targetName: Self.target, portal: Portal(host: "127.0.0.1", port: server.port),
        isid: ISID(random: 1, qualifier: 1)),
      settings: wanted)
    var value: CInt = 0
    var length = socklen_t(4)
    // SAFETY: value and length agree.
    unsafe getsockopt(
      connection.handover.socket.rawValue, CInt(IPPROTO_IP), IP_TOS, &value, &length)
    #expect(value == 0x28)
  }

  @Test func cancelledLoginEndsAtOnce() async throws {
    let peer = try LoopbackPeer()
    var patient = settings()
    patient.loginTimeoutMilliseconds = 60_000
    let order = LoginOrder(
      targetName: Self.target, portal: Portal(host: "127.0.0.1", port: peer.port),
      isid: ISID(random: 1, qualifier: 1))
    let driver = driver()
    let login = Task { [patient] () -> Errno? in
      do throws(LoginFailure) {
        _ = try await driver.logIn(order, settings: patient)
        return nil
      } catch {
        return error.error.errno
      }
    }
    login.cancel()
    #expect(await login.value == .canceled)
  }

  // MARK: - Discovery

  @Test func discoveryListsTargetsAndTheirPortals() async throws {
    let server = try server()
    defer { server.stop() }
    let found = try await driver().discover(
      at: Portal(host: "127.0.0.1", port: server.port), settings: settings()
    ).targets
    #expect(found.map(\.name.value) == [Self.target])
    #expect(found.first?.portals.map(\.description) == ["127.0.0.1:\(server.port),1"])
  }

  @Test func discoveryAtAWebServerIsEPROTO() async throws {
    let peer = try LoopbackPeer()
    peer.serve { socket in
      try? socket.sendAll(
        Array("HTTP/1.1 400 Bad".utf8), deadline: .now.advanced(milliseconds: 2_000))
      _ = try? socket.receive(
        maximumCount: 4096, deadline: .now.advanced(milliseconds: 2_000))
    }
    do throws(ControlError) {
      _ = try await driver().discover(
        at: Portal(host: "127.0.0.1", port: peer.port), settings: settings())
      Issue.record("a web server told of targets")
    } catch {
      #expect(error.errno == .protocolError)
    }
  }
}
