import Reactor
import SCSI
import SystemPackage
import Testing

@testable import ControlPlane

/// P7: a LUN whose identity changed is never written; the parked tasks wait until it is known.
struct VerificationTests {
  private static let one = LogicalUnitNumber(number: 1)

  private func lose(_ bench: Bench) throws {
    let session = try #require(bench.target?.sessions.first?.handle)
    bench.reactor.send(.sessionLost(session, .connectionClosed))
  }

  private func isResumed(_ bench: Bench, times: Int = 1) async -> Bool {
    await bench.reaches { $0.reactor.with { $0.servedAtResume.count } == times }
  }

  @Test func sameUnitsAreServedAgain() async throws {
    let bench = try Bench()
    try await bench.logIn()
    let handle = try #require(bench.unit()?.handle)
    #expect(bench.reactor.with { $0.held }.isEmpty)
    try lose(bench)
    #expect(await isResumed(bench))
    #expect(bench.reactor.with { $0.servedAtResume } == [[handle]])
    #expect(await bench.reaches { $0.target?.state == .loggedIn })
    #expect(bench.reactor.with { $0.withdrawn } == [])
  }

  @Test(
    "E30, P7 a unit with another name, number or block length is never written",
    arguments: ["name", "serial", "block length"])
  func anotherUnitIsWithdrawnBeforeAnythingIsSent(_ what: String) async throws {
    let bench = try Bench([.zero: FakeLogicalUnit(), Self.one: FakeLogicalUnit(serial: "OTHER")])
    try await bench.logIn()
    let old = try #require(bench.unit()?.handle)
    let other = try #require(bench.unit(Self.one)?.handle)
    bench.reactor.with { state in
      switch what {
      case "name": state.units[.zero]?.naa[15] = 9
      case "serial": state.units[.zero]?.serial = "SERIAL-2"
      default: state.units[.zero]?.blockLength = 4096
      }
    }
    try lose(bench)
    #expect(await isResumed(bench))
    #expect(bench.reactor.with { $0.servedAtResume } == [[other]])
    #expect(bench.reactor.with { $0.withdrawn } == [.init(unit: old, error: .staleNFSFileHandle)])
    #expect(await bench.reaches { $0.unit()?.handle.map { $0 != old } ?? false })
    await #expect(throws: Errno.staleNFSFileHandle) {
      try await bench.initiator.openLogicalUnit(old, writable: true)
    }
  }

  /// What another session's verification may ask of the reactor as soon as the file is gone from
  /// the target's tables.
  @Test(arguments: ["stale", "gone"])
  func noSessionIsResumedAheadOfAWithdrawal(_ how: String) async throws {
    let bench = try Bench()
    try await bench.logIn()
    let session = try #require(bench.target?.sessions.first?.handle)
    bench.reactor.with { $0.held = [session] }
    let target = try #require(await bench.initiator.targets.values.first)
    await target.withdrawAndResume(session, isStale: how == "stale")
    #expect(await isResumed(bench))
    #expect(bench.reactor.with { $0.servedAtResume } == [[]])
  }

  @Test func unitThatGrewIsTheSame() async throws {
    let bench = try Bench()
    try await bench.logIn()
    let handle = try #require(bench.unit()?.handle)
    bench.reactor.with { $0.units[.zero]?.blockCount = 4096 }
    try lose(bench)
    #expect(await isResumed(bench))
    #expect(bench.reactor.with { $0.servedAtResume } == [[handle]])
  }

  @Test func unitThatIsGoneIsWithdrawnAndGetsNoCommand() async throws {
    let bench = try Bench([.zero: FakeLogicalUnit(), Self.one: FakeLogicalUnit(serial: "OTHER")])
    try await bench.logIn()
    let gone = try #require(bench.unit(Self.one)?.handle)
    bench.reactor.with { state in
      state.units[Self.one] = nil
      state.commands = []
    }
    try lose(bench)
    #expect(await isResumed(bench))
    #expect(
      bench.reactor.with { $0.withdrawn } == [.init(unit: gone, error: .noSuchAddressOrDevice)])
    #expect(bench.reactor.operationCodes(to: Self.one) == [])
  }

  @Test func unitThatIsNotReadyIsTakenAtItsNames() async throws {
    let bench = try Bench()
    try await bench.logIn()
    let handle = try #require(bench.unit()?.handle)
    let notReady = ControlTask.Result.check(.notReady, AdditionalSense(code: 0x3A, qualifier: 0))
    bench.reactor.with { $0.units[.zero]?.pending = [notReady] }
    try lose(bench)
    #expect(await isResumed(bench))
    #expect(bench.reactor.with { $0.servedAtResume } == [[handle]])
  }

  @Test func silentUnitHasTheSessionDroppedAndTriedAgain() async throws {
    let bench = try Bench()
    try await bench.logIn()
    let handle = try #require(bench.unit()?.handle)
    bench.reactor.with { $0.silent = [.zero] }
    try lose(bench)
    #expect(await bench.clock.fires(.seconds(10)))
    #expect(await bench.reaches { $0.reactor.with { $0.dropped.count } == 1 })
    #expect(bench.target?.state == .recovering)
    #expect(bench.reactor.with { $0.servedAtResume } == [])
    bench.reactor.with { $0.silent = [] }
    #expect(await bench.clock.fires(.seconds(1)))
    #expect(await isResumed(bench))
    #expect(bench.reactor.with { $0.servedAtResume } == [[handle]])
  }

  @Test func sessionLostWhileItIsVerifiedIsTriedAgain() async throws {
    let bench = try Bench()
    try await bench.logIn()
    bench.reactor.with { $0.silent = [.zero] }
    try lose(bench)
    #expect(await bench.reaches { $0.reactor.with { $0.started.count } == 2 })
    #expect(await bench.reaches { $0.clock.sleeperCount == 2 })
    try lose(bench)
    bench.reactor.with { $0.silent = [] }
    bench.reactor.loseUnanswered()
    #expect(await bench.clock.fires(.seconds(1)))
    #expect(await isResumed(bench))
    #expect(await bench.reaches { $0.target?.state == .loggedIn })
  }

  @Test func logoutEndsAVerificationUnderWay() async throws {
    let bench = try Bench()
    try await bench.logIn()
    bench.reactor.with { $0.silent = [.zero] }
    try lose(bench)
    #expect(await bench.reaches { $0.reactor.with { $0.held.count } == 1 })
    try await bench.initiator.perform(.logout(force: true), target: Bench.targetName)
    #expect(bench.target?.state == .loggedOut)
    #expect(bench.reactor.with { $0.servedAtResume } == [])
    #expect(await bench.reaches { $0.clock.sleeperCount == 0 })
  }
}

extension Target {
  /// Takes the file of LUN 0 away and resumes a session while that is waited for.
  fileprivate func withdrawAndResume(_ session: SessionHandle, isStale: Bool) async {
    let withdrawal = Task.immediate {
      if isStale, let known = knownFiles[.zero] {
        await makeStale(.zero, known)
      } else {
        await forget(.zero, error: .noSuchAddressOrDevice)
      }
    }
    context.port.resume(session)
    await withdrawal.value
  }
}
