import ISCSI
import Reactor
import SystemPackage
import Testing

@testable import ControlPlane

/// Sessions that end without their target saying so, and the ISIDs of the logins after them.
@Suite("P8 session reinstatement after the end of a session")
struct ReinstatementTests {
  private static let other = Portal(host: "192.0.2.2", port: 3260, targetPortalGroupTag: 2)
  private static let refusal = FakeConnector.Answer.failure(
    LoginFailure(ControlError(.connectionRefused, .transport, "refused")))

  /// Has a session lose its connection, and its next login fail.
  private func lose(_ bench: Bench, session number: Int = 1) async throws {
    let session = try #require(bench.target?.sessions.first { $0.number == number }?.handle)
    let count = bench.connector.orders.count
    bench.connector.answer(Self.refusal)
    bench.reactor.send(.sessionLost(session, .connectionClosed))
    #expect(
      await bench.reaches {
        $0.target?.state == .recovering && $0.connector.orders.count > count
      })
  }

  private func logIn(_ bench: Bench) async throws {
    try await bench.initiator.perform(.login(nowait: false), target: Bench.targetName)
  }

  private func logOut(_ bench: Bench, force: Bool = false) async throws {
    try await bench.initiator.perform(.logout(force: force), target: Bench.targetName)
  }

  /// The ISIDs of the sessions there are.
  private func isids(_ bench: Bench) -> [ISID] { bench.target?.sessions.map(\.isid) ?? [] }

  @Test("E31 logged out with its target away: the next login has its ISID, one behind it another")
  func forcedLogout() async throws {
    let bench = try Bench()
    try await bench.logIn()
    let old = isids(bench)
    try await lose(bench)
    try await logOut(bench, force: true)
    try await logIn(bench)
    #expect(isids(bench) == old && bench.target?.sessions.map(\.number) == [2])
    // Reinstated and then closed by the target, nothing is left of it.
    try await logOut(bench)
    try await logIn(bench)
    #expect(isids(bench) != old)
  }

  @Test("a Logout that is answered leaves nothing to reinstate")
  func orderlyLogout() async throws {
    let bench = try Bench { $0.sessionsPerTarget = 2 }
    try await bench.logIn()
    try await logOut(bench)
    try await logIn(bench)
    #expect(Set(bench.connector.orders.map(\.isid)).count == 4)
  }

  @Test("a Logout that is not answered does")
  func unansweredLogout() async throws {
    let bench = try Bench()
    try await bench.logIn()
    let old = isids(bench)
    bench.reactor.with { $0.ignoresLogout = true }
    async let done: Void = logOut(bench)
    #expect(await bench.reaches { $0.reactor.heldEndCount == 1 && $0.clock.sleeperCount == 1 })
    #expect(await bench.clock.fires(.seconds(15)))
    try await done
    try await logIn(bench)
    #expect(isids(bench) == old)
  }

  @Test("E31 a pool's sessions are reinstated each by one of the next pool")
  func pool() async throws {
    let bench = try Bench { $0.sessionsPerTarget = 2 }
    try await bench.logIn()
    let old = isids(bench)
    try await lose(bench, session: 1)
    try await lose(bench, session: 2)
    try await logOut(bench, force: true)
    try await logIn(bench)
    #expect(isids(bench).count == 2 && Set(isids(bench)) == Set(old))
    try await logOut(bench)
    try await logIn(bench)
    #expect(isids(bench).count == 2 && Set(isids(bench)).isDisjoint(with: old))
  }

  @Test("a pool's sessions are reinstated before LUNs are served, where that takes no second")
  func poolBeforeUnits() async throws {
    let bench = try Bench { $0.sessionsPerTarget = 2 }
    try await bench.logIn()
    try await lose(bench, session: 1)
    try await lose(bench, session: 2)
    try await logOut(bench, force: true)
    let count = bench.connector.orders.count
    bench.connector.answer(.success, .silence)
    async let login: Void = logIn(bench)
    #expect(
      await bench.reaches {
        $0.connector.orders.count == count + 2 && $0.clock.sleeperCount == 1
      })
    #expect(bench.target?.sessions.count == 1 && bench.unit() == nil)
    #expect(await bench.clock.fires(.seconds(1)))
    try await login
    #expect(bench.unit()?.state == "running")
    try await logOut(bench)
  }

  @Test("one of a pool that was given up (reopen_max) is reinstated by the next login")
  func givenUp() async throws {
    let bench = try Bench {
      $0.sessionsPerTarget = 2
      $0.reopenAttempts = 1
    }
    try await bench.logIn()
    let old = isids(bench)
    bench.connector.answer(Self.refusal)
    let second = try #require(bench.target?.sessions.last?.handle)
    bench.reactor.send(.sessionLost(second, .connectionClosed))
    #expect(await bench.reaches { $0.target?.sessions.count == 1 })
    #expect(await bench.reaches { $0.reactor.with { $0.loggedOut == [second] } })
    try await logOut(bench)
    try await logIn(bench)
    #expect(isids(bench).first == old[1] && isids(bench).count == 2)
    #expect(!old.contains(isids(bench)[1]))
  }

  @Test("a login at another portal group has another ISID, and the first one's next login the old")
  func otherGroup() async throws {
    let bench = try Bench()
    try await bench.logIn(portals: [Bench.portal, Self.other])
    let old = isids(bench)
    try await lose(bench)
    try await logOut(bench, force: true)
    bench.connector.answer(Self.refusal, .group(2))
    try await logIn(bench)
    #expect(bench.target?.sessions.first?.targetPortalGroupTag == 2 && isids(bench) != old)
    try await logOut(bench)
    try await logIn(bench)
    #expect(bench.target?.sessions.first?.targetPortalGroupTag == 1 && isids(bench) == old)
  }

  @Test("an ISID whose login landed in another group stays, and is no second session's")
  func landedElsewhere() async throws {
    let bench = try Bench { $0.sessionsPerTarget = 2 }
    let unknown = Portal(host: "192.0.2.3", port: 3260)
    try await bench.logIn(portals: [Bench.portal, unknown])
    let old = isids(bench)
    try await lose(bench)
    try await logOut(bench, force: true)
    bench.connector.answer(Self.refusal, .group(2))
    try await logIn(bench)
    #expect(bench.target?.sessions.map(\.targetPortalGroupTag) == [2, 1])
    #expect(isids(bench).first == old[0] && Set(isids(bench)).count == 2)
    try await logOut(bench)
    try await logIn(bench)
    #expect(bench.target?.sessions.map(\.targetPortalGroupTag) == [1, 1])
    #expect(isids(bench).first == old[0] && Set(isids(bench)).count == 2)
    try await logOut(bench)
    try await logIn(bench)
    #expect(!isids(bench).contains(old[0]))
  }

  @Test("a login that was not answered is tried again with its ISID, one that was refused is not")
  func failedLogin() async throws {
    let bench = try Bench()
    var answered = LoginFailure(ControlError(.resourceBusy, .login, "not now"))
    answered.status = LoginStatus(statusClass: 3, detail: 1)
    bench.connector.answer(Self.refusal, Self.refusal, .failure(answered))
    await #expect(throws: ControlError.self) { try await bench.logIn() }
    for _ in 0..<2 { await #expect(throws: ControlError.self) { try await logIn(bench) } }
    try await logIn(bench)
    let orders = bench.connector.orders.map(\.isid)
    #expect(orders.count == 4 && Set(orders).count == 1)
    try await logOut(bench)
    bench.connector.answer(.failure(answered))
    await #expect(throws: ControlError.self) { try await logIn(bench) }
    try await logIn(bench)
    #expect(Set(bench.connector.orders.map(\.isid)).count == 3)
  }

  @Test("a login that a logout came between is tried again with its ISID")
  func cancelledLogin() async throws {
    let bench = try Bench()
    bench.connector.answer(.silence)
    let login = Task { try await bench.logIn() }
    #expect(await bench.reaches { !$0.connector.orders.isEmpty })
    try await logOut(bench)
    await #expect(throws: ControlError.self) { try await login.value }
    try await logIn(bench)
    #expect(Set(bench.connector.orders.map(\.isid)).count == 1)
  }
}
