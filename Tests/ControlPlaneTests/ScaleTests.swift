import ISCSI
import SCSI
import SystemPackage
import Testing

@testable import ControlPlane

/// What many targets and LUNs cost, counted.
struct ScaleTests {
  private static let targetCount = 10_000

  @Test func tenThousandTargetsAreOneRevisionEachAndOneNotice() async throws {
    let bench = try Bench(configure: { $0.loginPolicy = .manual })
    let names = try (0..<Self.targetCount).map { try ISCSIName("iqn.2026-01.test:\($0)") }
    bench.connector.find(names.map { DiscoveredTarget(name: $0, portals: [Bench.portal]) })
    try await bench.initiator.start(portal: Bench.portal)
    let before = bench.initiator.snapshot()
    #expect(before.targets.count == Self.targetCount)
    #expect(before.revision == UInt64(Self.targetCount))
    // The same again is nothing new.
    try await bench.initiator.start(portal: Bench.portal)
    #expect(bench.initiator.snapshot().revision == before.revision)
    // One login among all changes that one's chunk.
    try await bench.initiator.perform(.login(nowait: false), target: names[4711].directoryName)
    let after = bench.initiator.snapshot()
    #expect(after.targets.ownChunkCount(beside: before.targets) == 1)
    #expect(after.revision < before.revision + 20)
    await bench.initiator.shutdown()
    var changes: [TreeChange] = []
    for await change in bench.initiator.changes { changes.append(change) }
    #expect(changes.filter { $0 == .targetsChanged }.count == 1)
    #expect(changes.count < 5)
  }

  @Test func aScanPublishesEachLUNOnceAndAnOpenChangesOneChunk() async throws {
    let count: UInt16 = 500
    let luns = (0..<count).map { LogicalUnitNumber(number: $0) }
    let bench = try Bench(
      Dictionary(uniqueKeysWithValues: luns.map { ($0, FakeLogicalUnit()) }))
    try await bench.logIn()
    let before = bench.initiator.snapshot()
    let units = try #require(before.targets.first?.logicalUnits)
    #expect(units.count == Int(count))
    #expect(before.revision < UInt64(count) + 20)
    let handle = try #require(bench.unit(luns[300])?.handle)
    try await bench.initiator.openLogicalUnit(handle, writable: true)
    let after = try #require(bench.target?.logicalUnits)
    #expect(bench.unit(luns[300])?.openCount == 1)
    #expect(after.ownChunkCount(beside: units) == 1)
    #expect(bench.initiator.snapshot().revision == before.revision + 1)
    await bench.initiator.closeLogicalUnit(handle, writable: true)
    #expect(bench.target?.logicalUnits == units)
    // Closed is closed: another close takes nothing back.
    await bench.initiator.closeLogicalUnit(handle, writable: true)
    #expect(bench.initiator.snapshot().revision == before.revision + 2)
  }

  @Test func moreTargetsThanSessionsWaitWithoutBeingTriedAndTheFirstTakesAFreePlace() async throws {
    let capacity = HandleRegistry.sessionCapacity
    let bench = try Bench()
    let names = try (0..<capacity + 500).map { try ISCSIName("iqn.2026-01.test:\($0)") }
    bench.connector.find(names.map { DiscoveredTarget(name: $0, portals: [Bench.portal]) })
    try await bench.initiator.start(portal: Bench.portal)
    func count(_ state: TargetSnapshot.State) -> Int {
      bench.initiator.snapshot().targets.count { $0.state == state }
    }
    #expect(count(.loggedIn) == capacity && count(.failed) == 500)
    // No login was tried for them, and no timer tries one.
    #expect(bench.connector.orders.count == capacity)
    #expect(await bench.reaches { $0.clock.sleeperCount == 0 })
    let waiting = try #require(bench.initiator.snapshot().targets.first { $0.state == .failed })
    #expect(
      waiting.lastError == "3 NOMEM no room for another session: all \(capacity) are in use")

    // Who asks for one more is told.
    let refusal = await #expect(throws: ControlError.self) {
      try await bench.initiator.perform(.login(nowait: false), target: waiting.directoryName)
    }
    #expect(refusal?.errno == .resourceTemporarilyUnavailable)

    let busy = try #require(bench.initiator.snapshot().targets.first { $0.state == .loggedIn })
    try await bench.initiator.perform(.logout(force: false), target: busy.directoryName)
    #expect(await bench.reaches { _ in count(.loggedIn) == capacity })
    #expect(bench.connector.orders.count == capacity + 1)

    // At the end nobody takes the places that are given back.
    try await bench.initiator.perform(.logout(name: nil, force: false))
    // The one that was refused had been asked for once and is not wanted any longer.
    #expect(count(.loggedOut) == names.count - 1 && count(.failed) == 1)
    #expect(bench.connector.orders.count == capacity + 1)
  }

  @Test func aLUNBeyondTheLastFileIsShownWithTheReasonAndGetsOneWhenThereIsRoom() async throws {
    let capacity = HandleRegistry.logicalUnitCapacity
    let luns = (0..<UInt16(capacity) + 3).map { LogicalUnitNumber(number: $0) }
    let bench = try Bench(
      Dictionary(uniqueKeysWithValues: luns.map { ($0, FakeLogicalUnit()) }))
    try await bench.logIn()
    let target = try #require(bench.target)
    #expect(target.state == .loggedIn)
    let fileless = target.logicalUnits.filter { $0.handle == nil }
    #expect(target.logicalUnits.count == luns.count && fileless.count == 3)
    let reason = "no room for its file: all \(capacity) are in use"
    #expect(fileless.allSatisfy { $0.lastError == reason && $0.state == "offline" })
    #expect(target.lastError.hasPrefix("3 NOMEM LUN "))
    #expect(target.lastError.hasSuffix(" of \(Bench.targetName) and 2 other(s): \(reason)"))
    let refusal = await #expect(throws: ControlError.self) {
      try await bench.initiator.perform(.rescan, target: Bench.targetName)
    }
    #expect(refusal?.errno == .noMemory)
  }
}
