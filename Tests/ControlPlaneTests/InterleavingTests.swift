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

  @Test func stormOfUnitAttentionsIsLookedIntoABoundedNumberOfTimes() async throws {
    let bench = try Bench()
    try await bench.logIn()
    let session = try #require(bench.target?.sessions.first?.handle)
    let inquiries = { bench.reactor.operationCodes(to: .zero).filter { $0 == .inquiry }.count }
    // One look takes as many INQUIRYs as the scan of the login did.
    let aLook = inquiries()
    for _ in 0..<500 {
      bench.reactor.send(.unitAttention(session, .zero, .capacityDataHasChanged))
    }
    #expect(await bench.reaches { _ in inquiries() >= 2 * aLook })
    for _ in 0..<100 { await ManualClock.pause() }
    #expect(inquiries() < 50 * aLook)
    #expect(bench.target?.state == .loggedIn)
  }

  @Test func loginAfterTheEndIsRefused() async throws {
    let bench = try Bench()
    try await bench.logIn()
    await bench.initiator.shutdown()
    do throws(ControlError) {
      try await bench.initiator.perform(.login(nowait: false), target: Bench.targetName)
      Issue.record("a login began after the end")
    } catch {
      #expect(error.errno == .noSuchFileOrDirectory)
    }
    #expect(bench.reactor.with { $0.started.count } == 1)
  }

  /// Between the end of the logout and what follows it there is always a moment to ask in.
  @Test func noLoginBeginsOnceTheMountEndsHoweverOftenItIsAskedFor() async throws {
    for _ in 0..<10 {
      let bench = try Bench()
      try await bench.logIn()
      let initiator = bench.initiator
      let asking = Task {
        while !Task.isCancelled {
          try? await initiator.perform(.login(nowait: false), target: Bench.targetName)
          await Task.yield()
        }
      }
      await initiator.shutdown()
      asking.cancel()
      await asking.value
      #expect(bench.connector.orders.count == 1)
    }
  }

  @Test func noTargetIsAddedOnceTheMountEnds() async throws {
    let bench = try Bench()
    await bench.initiator.shutdown()
    await #expect(throws: ControlError.self) {
      try await bench.initiator.perform(
        .add(name: Bench.targetName, portal: Bench.portal.description))
    }
    #expect(bench.target == nil)
  }
}
