import ISCSI
import Reactor
import SCSI
import SystemPackage
import Testing

@testable import ControlPlane

/// What comes while something else is under way.
struct InterleavingTests {
  @Test func logoutOfTheLostSessionLeavesTheTargetLoggedIn() async throws {
    let bench = try Bench(configure: { $0.sessionsPerTarget = 2 })
    try await bench.logIn()
    bench.connector.answer(
      .failure(LoginFailure(ControlError(.connectionRefused, .transport, "refused"))))
    let lost = try #require(bench.target?.sessions.first)
    bench.reactor.send(.sessionLost(lost.handle, .connectionClosed))
    #expect(await bench.reaches { $0.target?.lastError == "4 TRANS refused" })
    #expect(bench.target?.state == .recovering)
    try await bench.initiator.perform(.logout, target: Bench.targetName, session: lost.number)
    #expect(bench.target?.state == .loggedIn)
  }

  @Test func secondShutdownWaitsForTheFirst() async throws {
    let bench = try Bench()
    try await bench.logIn()
    bench.reactor.with { $0.ignoresLogout = true }
    let first = Task { await bench.initiator.shutdown() }
    #expect(await bench.reaches { $0.reactor.heldEndCount == 1 })
    let second = Task {
      await bench.initiator.shutdown()
      return bench.target?.state
    }
    #expect(
      await bench.reaches { $0.reactor.heldEndCount == 1 && $0.clock.sleeperCount == 2 })
    for _ in 0..<100 { await ManualClock.pause() }
    bench.reactor.with { $0.ignoresLogout = false }
    bench.reactor.answerEnds()
    #expect(await second.value == .loggedOut)
    await first.value
  }

  /// The reactor traps when a place with commands at the target is lent again.
  @Test func placeOfAStaleFileIsNotLentAgainBeforeItIsQuiet() async throws {
    let bench = try Bench()
    try await bench.logIn()
    let old = try #require(bench.unit()?.handle)
    bench.reactor.with { state in
      state.stuck = [old]
      state.units[.zero]?.naa[15] = 9
    }
    async let done: Void = bench.initiator.perform(.rescan, target: Bench.targetName)
    #expect(await bench.reaches { $0.reactor.heldEndCount == 1 })
    #expect(await bench.clock.fires(.seconds(5)))
    try await done
    #expect(bench.unit()?.handle?.index != old.index)
  }
}
