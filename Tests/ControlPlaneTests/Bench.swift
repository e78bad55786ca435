import ISCSI
import LinuxIO
import Logging
import Reactor
import SCSI

@testable import ControlPlane

/// An initiator between a fake network and a fake reactor, in time that a test moves.
final class Bench: Sendable {
  static let targetName = "iqn.2026-01.test:disk"
  static let portal = Portal(host: "192.0.2.1", port: 3260, targetPortalGroupTag: 1)
  static let wallTime = WallTime(nanoseconds: 1_764_152_114_042_000_000)
  static let zero = LogicalUnitNumber.zero

  let reactor: FakeReactor
  let connector = FakeConnector()
  let clock = ManualClock()
  let initiator: Initiator
  private let running: Task<Void, Never>

  init(
    _ units: [LogicalUnitNumber: FakeLogicalUnit] = [.zero: FakeLogicalUnit()],
    configure: (inout InitiatorSettings) -> Void = { _ in }
  ) throws {
    reactor = try FakeReactor(units)
    var settings = InitiatorSettings(
      initiatorName: "iqn.2026-01.test:initiator", isidRandom: 0x123456)
    configure(&settings)
    var logger = Logger(label: "test")
    logger.logLevel = .critical
    let initiator = Initiator(
      settings: settings, port: reactor.port, logger: logger,
      environment: ControlEnvironment(
        connector: connector, clock: clock, random: { 0.5 }, wallTime: { Self.wallTime }))
    self.initiator = initiator
    running = Task { await initiator.run() }
  }

  deinit {
    running.cancel()
    reactor.stop()
  }

  /// Adds the target and logs in to it.
  func logIn(portals: [Portal] = [Bench.portal]) async throws {
    for portal in portals {
      try await initiator.perform(
        .add(name: Self.targetName, portal: portal.description))
    }
    try await initiator.perform(.login(nowait: false), target: Self.targetName)
  }

  var target: TargetSnapshot? { initiator.snapshot().targets.first }

  func unit(_ lun: LogicalUnitNumber = .zero) -> LogicalUnitSnapshot? {
    target?.logicalUnits.first { $0.lun == lun }
  }

  /// Waits until the snapshot satisfies `condition`; false when it does not in 300 real seconds.
  func reaches(_ condition: (Bench) -> Bool) async -> Bool {
    let deadline = ContinuousClock.now + .seconds(300)
    while !condition(self) {
      guard ContinuousClock.now < deadline else { return false }
      await ManualClock.pause()
    }
    return true
  }
}
