import ISCSI
import LogicalUnit
import Reactor
import SCSI
import SystemPackage
import Testing

@testable import ControlPlane

/// What is written to `lun<N>.info/control`.
@Suite("Commands of one LUN", .timeLimit(.minutes(5)))
struct UnitCommandTests {
  private func perform(
    _ command: LogicalUnitCommand, _ bench: Bench, lun: LogicalUnitNumber = .zero
  ) async throws {
    try await bench.initiator.perform(command, target: Bench.targetName, lun: lun)
  }

  @Test("flush is SYNCHRONIZE CACHE of all of it, reset a LOGICAL UNIT RESET")
  func flushAndReset() async throws {
    let bench = try Bench()
    try await bench.logIn()
    try await perform(.flush, bench)
    #expect(bench.reactor.operationCodes(to: .zero).last == .synchronizeCache16)
    try await perform(.reset, bench)
    #expect(bench.reactor.with { $0.functions } == [.logicalUnitReset])
    bench.reactor.with { $0.outcome = .refused(.functionNotSupported) }
    await #expect(throws: ControlError.self) { try await perform(.reset, bench) }
  }

  @Test("A flush that fails says so")
  func failedFlush() async throws {
    let bench = try Bench()
    try await bench.logIn()
    let failure = ControlTask.Result.check(
      .mediumError, AdditionalSense(code: 0x0C, qualifier: 2))
    bench.reactor.with { $0.units[.zero]?.pending = [failure] }
    await #expect(throws: ControlError.self) { try await perform(.flush, bench) }
  }

  @Test("rescan shows another size")
  func rescan() async throws {
    let bench = try Bench()
    try await bench.logIn()
    bench.reactor.with { $0.units[.zero]?.blockCount = 4096 }
    try await perform(.rescan, bench)
    #expect(bench.unit()?.description.capacity?.lastLogicalBlockAddress.rawValue == 4095)
  }

  @Test("offline ends the service of a file, also over a scan and a login; online brings it back")
  func offline() async throws {
    let bench = try Bench()
    try await bench.logIn()
    let file = try #require(bench.unit()?.handle)
    try await bench.initiator.openLogicalUnit(file, writable: false)
    await #expect(throws: ControlError.self) { try await perform(.offline(force: false), bench) }
    #expect(bench.unit()?.state == "running")
    try await perform(.offline(force: true), bench)
    #expect(bench.reactor.with { $0.withdrawn.map(\.error) } == [.noSuchAddressOrDevice])
    #expect(bench.unit()?.state == "offline" && bench.unit()?.lastError.isEmpty == false)
    await #expect(throws: Errno.noSuchAddressOrDevice) {
      try await bench.initiator.openLogicalUnit(file, writable: false)
    }
    try await perform(.rescan, bench)
    try await bench.initiator.perform(.logout(force: true), target: Bench.targetName)
    try await bench.initiator.perform(.login(nowait: false), target: Bench.targetName)
    #expect(bench.unit()?.state == "offline")
    #expect(bench.reactor.with { $0.exposed.isEmpty })
    try await perform(.online, bench)
    #expect(bench.unit()?.state == "running" && bench.unit()?.handle == file)
    #expect(bench.reactor.with { $0.exposed.keys.contains(file) })
    try await bench.initiator.openLogicalUnit(file, writable: true)
  }

  @Test("timeout is the file's, over scans, logins and being offline")
  func timeout() async throws {
    let bench = try Bench()
    try await bench.logIn()
    let file = try #require(bench.unit()?.handle)
    #expect(bench.unit()?.timeoutSeconds == 30)
    #expect(bench.reactor.with { $0.exposed[file]?.commandSeconds } == 30)
    try await perform(.setTimeout(seconds: 90), bench)
    #expect(bench.unit()?.timeoutSeconds == 90)
    #expect(await bench.reaches { $0.reactor.with { $0.exposed[file]?.commandSeconds } == 90 })
    try await perform(.rescan, bench)
    try await perform(.offline(force: false), bench)
    try await perform(.setTimeout(seconds: 91), bench)
    #expect(bench.unit()?.timeoutSeconds == 91)
    try await bench.initiator.perform(.logout(force: true), target: Bench.targetName)
    try await bench.initiator.perform(.login(nowait: false), target: Bench.targetName)
    try await perform(.online, bench)
    #expect(bench.unit()?.timeoutSeconds == 91)
    #expect(bench.reactor.with { $0.exposed[file]?.commandSeconds } == 91)
  }

  @Test("A LUN that is not there is ENXIO, a target that is logged out ENOTCONN")
  func nobody() async throws {
    let bench = try Bench()
    try await bench.logIn()
    let absent = LogicalUnitNumber(number: 9)
    for command in [
      LogicalUnitCommand.rescan, .reset, .flush, .offline(force: false), .online,
      .setTimeout(seconds: 1),
    ] {
      do throws(ControlError) {
        try await bench.initiator.perform(command, target: Bench.targetName, lun: absent)
        Issue.record("\(command) succeeded")
      } catch {
        #expect(error.errno == .noSuchAddressOrDevice, "\(command)")
      }
    }
    try await bench.initiator.perform(.logout(force: false), target: Bench.targetName)
    do throws(ControlError) {
      try await bench.initiator.perform(.flush, target: Bench.targetName, lun: .zero)
      Issue.record("flushed")
    } catch {
      #expect(error.errno == .socketNotConnected)
    }
  }
}
