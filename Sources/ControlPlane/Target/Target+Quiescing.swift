import ISCSI
import Logging
import Reactor
import SCSI
import SystemPackage

/// The end of service: files closed, then caches flushed.
extension Target {
  /// How long both may take together; the logout behind them has the rest of a shutdown's time.
  static let quiescingLimit = Duration.seconds(8)

  /// How long commands at the target may keep a file from being closed.
  static let withdrawalLimit = Duration.seconds(5)

  /// Ends the service of files and flushes their units' caches, as a disk's driver does at the end.
  ///
  /// Whoever waits for a file is answered at once, whatever the target does.
  func quiesce(
    _ files: [LogicalUnitHandle], flushing luns: [LogicalUnitNumber], over ending: [TargetSession]
  ) async -> ControlError? {
    guard !files.isEmpty else { return nil }
    let failures = FirstFailure()
    let withdrawals = files.map { context.port.withdraw($0, error: .socketNotConnected) }
    let isDone = await context.bounded(Self.quiescingLimit) {
      await self.waitUntilQuiet(withdrawals)
      if let error = await self.flush(luns, over: ending) { failures.note(error) }
    }
    guard isDone else {
      return ControlError(
        .timedOut, .transportTimeout, "the LUNs of \(name) did not end their work in time")
    }
    return failures.first
  }

  /// Waits until nothing of the files' is at the target any more, bounded.
  private func waitUntilQuiet(_ withdrawals: [Withdrawal]) async {
    _ = await context.bounded(Self.withdrawalLimit) {
      for withdrawal in withdrawals { await withdrawal.whenQuiet() }
    }
  }

  /// SYNCHRONIZE CACHE to each LUN, over the first session that has a connection.
  private func flush(
    _ luns: [LogicalUnitNumber], over ending: [TargetSession]
  ) async -> ControlError? {
    guard !luns.isEmpty else { return nil }
    guard let session = ending.first(where: { !$0.isLost }) else {
      return ControlError(
        .socketNotConnected, .sessionNotConnected,
        "\(name) was away: the caches of its LUNs were not flushed")
    }
    let scanner = LogicalUnitScanner(
      port: context.port, session: session.handle, clock: context.clock)
    return await eachLogicalUnit(luns, in: epoch) { lun in
      do throws(ScanFailure) {
        try await scanner.synchronizeCache(of: lun)
        return nil
      } catch {
        return ControlError(
          error.errno, .generic,
          "SYNCHRONIZE CACHE of LUN \(lun.name): \(error.sentence)")
      }
    }
  }
}

extension TargetLogicalUnit {
  /// The handle of a file the reactor serves.
  var registeredHandle: LogicalUnitHandle? { registration == nil ? nil : handle }

  /// True when what was written may be lost with the unit's power.
  var wantsFlush: Bool {
    registration.map { $0.hasVolatileCache && !$0.isWriteProtected } ?? false
  }
}
