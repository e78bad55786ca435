import ISCSI
import LinuxIO
import SystemPackage
import TargetSimulator
import Testing

@testable import ControlPlane

/// Where a target may send a login, and how often.
struct RedirectionTests {
  private static let target = "iqn.2026-01.test:disk"

  private func portal(_ number: Int) -> Portal { Portal(host: "192.0.2.\(number)") }

  private func sentence(
    _ body: () throws(LoginFailure) -> Void
  ) -> String? {
    do throws(LoginFailure) {
      try body()
      return nil
    } catch {
      #expect(error.error.errno == .protocolError && !error.isPermanent)
      return error.error.sentence
    }
  }

  @Test("L33 the last permanent redirection is remembered, and none after a temporary one")
  func memory() throws {
    var trail = RedirectionTrail(startingAt: portal(1))
    try trail.follow([portal(2)], isTemporary: false, from: .elsewhere, place: "p")
    try trail.follow([portal(3)], isTemporary: false, from: .elsewhere, place: "p")
    #expect(trail.portal == portal(3) && trail.movedTo == portal(3))
    try trail.follow([portal(4)], isTemporary: true, from: .elsewhere, place: "p")
    try trail.follow([portal(5)], isTemporary: false, from: .elsewhere, place: "p")
    #expect(trail.portal == portal(5) && trail.movedTo == portal(3))
  }

  @Test("H35 four redirections are followed and a fifth is not")
  func chain() throws {
    var trail = RedirectionTrail(startingAt: portal(0))
    for number in 1...4 {
      try trail.follow([portal(number)], isTemporary: false, from: .elsewhere, place: "p")
    }
    #expect(
      sentence { () throws(LoginFailure) in
        try trail.follow([portal(5)], isTemporary: false, from: .elsewhere, place: "p")
      } == "p: more than 4 redirections")
  }

  @Test("H35 to itself, in a circle, or among several to the one not seen yet")
  func circles() throws {
    var trail = RedirectionTrail(startingAt: portal(1))
    let circle = "p: the redirections go round in a circle"
    #expect(
      sentence { () throws(LoginFailure) in
        try trail.follow([portal(1)], isTemporary: true, from: .elsewhere, place: "p")
      } == circle)
    try trail.follow([portal(1), portal(2)], isTemporary: true, from: .elsewhere, place: "p")
    #expect(trail.portal == portal(2))
    #expect(
      sentence { () throws(LoginFailure) in
        try trail.follow(
          [portal(1), portal(2)], isTemporary: true, from: .elsewhere, place: "p")
      } == circle)
  }

  @Test(
    "H35 how near an address is",
    arguments: [
      ("0.0.0.0", .nowhere), ("0.1.2.3", .nowhere), ("224.0.0.1", .nowhere),
      ("255.255.255.255", .nowhere), ("::", .nowhere), ("ff02::1", .nowhere),
      ("::ffff:0.0.0.0", .nowhere), ("127.0.0.1", .loopback), ("127.255.0.9", .loopback),
      ("::1", .loopback), ("::ffff:127.0.0.1", .loopback), ("169.254.169.254", .link),
      ("::ffff:169.254.1.1", .link), ("fe80::1", .link), ("fe80::1%eth0", .link),
      ("febf::1", .link), ("fec0::1", .elsewhere), ("10.0.0.1", .elsewhere),
      ("2001:db8::ff02", .elsewhere), ("169.253.0.1", .elsewhere), ("fd00::1", .elsewhere),
    ] as [(String, AddressScope)])
  func scopes(host: String, scope: AddressScope) {
    #expect(AddressScope(of: host) == scope)
  }

  @Test("H35 a target sends us no nearer to ourselves than it is")
  func nearer() {
    let scopes: [AddressScope] = [.nowhere, .loopback, .link, .elsewhere]
    #expect(scopes.map { AddressScope.elsewhere.maySend(to: $0) } == [false, false, false, true])
    #expect(scopes.map { AddressScope.link.maySend(to: $0) } == [false, false, true, true])
    #expect(scopes.map { AddressScope.loopback.maySend(to: $0) } == [false, true, true, true])
  }

  // MARK: - Over TCP

  private func failure(_ address: String) async throws -> LoginFailure? {
    let target = SimulatedTarget(name: Self.target)
    target.loginRefusal = .init(statusClass: 1, statusDetail: 1, address: address)
    let server = try SimulatorServer(SimulatedPortal(targets: [target]))
    defer { server.stop() }
    var settings = InitiatorSettings(
      initiatorName: "iqn.2026-01.test:initiator", isidRandom: 0x123456)
    settings.loginTimeoutMilliseconds = 5_000
    let order = LoginOrder(
      targetName: Self.target, portal: Portal(host: "127.0.0.1", port: server.port),
      isid: ISID(random: 1, qualifier: 1))
    let driver = LoginDriver(pool: try BlockingPool(name: "test", threadCount: 1, capacity: 2))
    do throws(LoginFailure) {
      _ = try await driver.logIn(order, settings: settings)
      return nil
    } catch {
      return error
    }
  }

  @Test(
    "H35 redirected to no place at all: EPROTO at once, and nobody is connected to",
    arguments: ["0.0.0.0:3260", "[::]:3260", "224.0.0.1:3260,1", "0:3260", "255.255.255.255:1"])
  func nowhere(address: String) async throws {
    let failure = try #require(try await failure(address))
    #expect(failure.error.errno == .protocolError)
    #expect(failure.error.sentence.contains("must not redirect to"), "\(failure.error.sentence)")
  }

  @Test(
    "H35 redirected by junk: EPROTO with the reason",
    arguments: [
      "/run/iscsi.sock", "unix:/run/sock", "", "host:0", "host:70000", "a b", "[fe80::1%eth0]:1",
      "-o:3260", "\u{1B}[2J",
    ])
  func junk(address: String) async throws {
    let failure = try #require(try await failure(address))
    #expect(failure.error.errno == .protocolError)
    #expect(failure.error.sentence.contains("without a usable TargetAddress"))
  }
}
