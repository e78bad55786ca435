import ISCSI
import Reactor
import SystemPackage
import Testing

@testable import ControlPlane

/// The sessions beyond the first.
struct PoolTests {
  private static let other = Portal(host: "192.0.2.2", port: 3260, targetPortalGroupTag: 1)
  private static let refused = LoginFailure(
    ControlError(.connectionRefused, .transport, "refused"))

  @Test func portalThatSaysNothingDelaysNoLUN() async throws {
    let bench = try Bench(configure: { $0.sessionsPerTarget = 2 })
    bench.connector.answer(.success, .silence)
    async let login: Void = bench.logIn(portals: [Bench.portal, Self.other])
    // The LUN is served while the second session's login still waits.
    #expect(await bench.reaches { $0.connector.orders.count == 2 && $0.clock.sleeperCount == 1 })
    #expect(bench.target?.state == .loggedIn && bench.unit()?.state == "running")
    #expect(await bench.clock.fires(.seconds(1)))
    try await login
    #expect(bench.target?.sessions.count == 1)
    try await bench.initiator.perform(.logout(force: false), target: Bench.targetName)
    #expect(bench.target?.state == .loggedOut)
  }

  @Test func sessionThatFailedIsTriedAgainAndThenServes() async throws {
    let bench = try Bench(configure: { $0.sessionsPerTarget = 2 })
    bench.connector.answer(
      .success, .failure(Self.refused), .failure(Self.refused), .failure(Self.refused))
    async let login: Void = bench.logIn()
    #expect(await bench.reaches { $0.target?.lastError == "4 TRANS refused" })
    #expect(bench.target?.state == .loggedIn)
    // The login's patience, and the waits before three more tries.
    for _ in 0..<4 { _ = await bench.clock.fireNext() }
    try await login
    #expect(await bench.reaches { $0.target?.sessions.count == 2 })
    #expect(
      await bench.reaches { bench in
        bench.reactor.with { $0.exposed.values.first?.sessions.count } == 2
      })
    #expect(bench.target?.lastError == "0 SUCCESS")
  }

  @Test func targetThatAllowsOnlyOneSessionIsNotAskedAgain() async throws {
    let bench = try Bench(configure: { $0.sessionsPerTarget = 2 })
    var refusal = LoginFailure(ControlError(.tooManyUsers, .login, "too many connections"))
    refusal.isPermanent = true
    bench.connector.answer(.success, .failure(refusal))
    try await bench.logIn()
    #expect(bench.target?.state == .loggedIn && bench.target?.sessions.count == 1)
    #expect(bench.target?.lastError == "5 LOGIN too many connections")
    for _ in 0..<100 { await ManualClock.pause() }
    #expect(bench.connector.orders.count == 2)
  }
}
