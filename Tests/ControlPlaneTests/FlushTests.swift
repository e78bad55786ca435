import Reactor
import SCSI
import SystemPackage
import Testing

@testable import ControlPlane

/// What a disk's driver does at the end: SYNCHRONIZE CACHE, then the logout.
struct FlushTests {
  private static let one = LogicalUnitNumber(number: 1)

  private func flushes(_ bench: Bench, _ lun: LogicalUnitNumber = .zero) -> [OperationCode] {
    bench.reactor.operationCodes(to: lun).filter {
      $0 == .synchronizeCache16 || $0 == .synchronizeCache10
    }
  }

  @Test func logoutFlushesVolatileCachesOnly() async throws {
    let bench = try Bench([
      .zero: FakeLogicalUnit(), Self.one: FakeLogicalUnit(serial: "OTHER", writeCache: false),
    ])
    try await bench.logIn()
    try await bench.initiator.perform(.logout(force: false), target: Bench.targetName)
    #expect(flushes(bench) == [.synchronizeCache16])
    #expect(flushes(bench, Self.one) == [])
    #expect(bench.reactor.with { $0.commands.last?.cdb.operationCode } == .synchronizeCache16)
    #expect(bench.reactor.with { $0.withdrawn.count } == 2)
    #expect(bench.target?.lastError == "0 SUCCESS")
  }

  @Test func unitWithoutTheLongFormGetsTheShortOne() async throws {
    let bench = try Bench([.zero: FakeLogicalUnit(refused: [0x91])])
    try await bench.logIn()
    await bench.initiator.shutdown()
    #expect(flushes(bench) == [.synchronizeCache16, .synchronizeCache10])
    #expect(bench.reactor.with { $0.loggedOut.count } == 1)
  }

  @Test func failureIsShownAndTheLogoutGoesOn() async throws {
    let bench = try Bench()
    try await bench.logIn()
    let failure = ControlTask.Result.check(
      .mediumError, AdditionalSense(code: 0x0C, qualifier: 2))
    bench.reactor.with { $0.units[.zero]?.pending = [failure] }
    try await bench.initiator.perform(.logout(force: true), target: Bench.targetName)
    #expect(bench.target?.state == .loggedOut)
    #expect(bench.reactor.with { $0.loggedOut.count } == 1)
    #expect(bench.target?.lastError.contains("SYNCHRONIZE CACHE of LUN 0") == true)
  }

  @Test func silentUnitDelaysTheLogoutNoLongerThanItsBound() async throws {
    let bench = try Bench()
    try await bench.logIn()
    bench.reactor.with { $0.silent = [.zero] }
    async let done: Void = bench.initiator.perform(
      .logout(force: false), target: Bench.targetName)
    #expect(
      await bench.reaches { $0.reactor.unansweredCount == 1 && $0.clock.sleeperCount == 1 })
    #expect(await bench.clock.fires(.seconds(8)))
    try await done
    #expect(bench.reactor.with { $0.loggedOut.count } == 1)
    #expect(bench.target?.lastError.contains("in time") == true)
  }

  @Test func shutdownWaitsForALogoutUnderWay() async throws {
    let bench = try Bench()
    try await bench.logIn()
    bench.reactor.with { $0.silent = [.zero] }
    async let out: Void = bench.initiator.perform(.logout(force: false), target: Bench.targetName)
    #expect(await bench.reaches { $0.reactor.unansweredCount == 1 })
    async let end: Void = bench.initiator.shutdown()
    // The shutdown waits with a limit of its own beside that of the flush.
    #expect(await bench.reaches { $0.clock.sleeperCount == 2 })
    #expect(bench.reactor.with { $0.loggedOut.isEmpty })
    bench.reactor.with { $0.silent = [] }
    bench.reactor.loseUnanswered()
    await end
    // The session was ended properly before the shutdown was over.
    #expect(bench.reactor.with { $0.loggedOut.count } == 1)
    try await out
  }
}
