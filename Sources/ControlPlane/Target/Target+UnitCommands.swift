import ISCSI
import Reactor
import SCSI
import SystemPackage

/// What people ask of one LUN.
extension Target {
  /// Looks at a LUN again; ENXIO where it has gone.
  func rescan(_ lun: LogicalUnitNumber) async throws(ControlError) {
    let scanner = LogicalUnitScanner(
      port: context.port, session: try anySession().handle, clock: context.clock)
    _ = try unit(lun)
    if let error = await look(at: lun, with: scanner, in: epoch) { throw error }
    publish()
    announceNewUnits()
    _ = try unit(lun)
  }

  /// LOGICAL UNIT RESET, for every initiator; our tasks are sent again.
  func reset(_ lun: LogicalUnitNumber) async throws(ControlError) {
    let session = try anySession()
    _ = try unit(lun)
    let function = TaskManagementRequest.Function.logicalUnitReset
    let outcome = await context.port.manage(
      TaskManagement(
        session: session.handle, function: function, lun: lun,
        timeoutMilliseconds: session.timeouts.logicalUnitResetMilliseconds))
    if let error = outcome.error(of: function, at: "LUN \(lun.name) of \(name)") { throw error }
    tell(lun, "\(function.name) done")
  }

  /// Makes what its cache holds durable.
  ///
  /// What the page cache of the kernel holds is not its business: that is fsync's.
  func flush(_ lun: LogicalUnitNumber) async throws(ControlError) {
    let scanner = LogicalUnitScanner(
      port: context.port, session: try anySession().handle, clock: context.clock)
    _ = try unit(lun)
    do throws(ScanFailure) {
      try await scanner.synchronizeCache(of: lun)
    } catch {
      throw ControlError(
        error.errno, .generic,
        "SYNCHRONIZE CACHE of LUN \(lun.name) of \(name): \(error.sentence)")
    }
  }

  /// Ends the service of a LUN's file: requests waiting and to come get ENXIO.
  ///
  /// EBUSY while it is open, unless forced.
  func takeOffline(_ lun: LogicalUnitNumber, force: Bool) async throws(ControlError) {
    guard let handle = try unit(lun).handle else {
      throw ControlError(
        .noSuchAddressOrDevice, .noObjectsFound, "LUN \(lun.name) of \(name) has no file")
    }
    guard force || openCounts[handle] == nil else {
      throw ControlError(
        .resourceBusy, .busy,
        "lun\(lun.name) of \(name) is open; close it, or write \"offline force\"")
    }
    guard offlineUnits.insert(lun).inserted else { return }
    units[lun]?.isOffline = true
    units[lun]?.registration = nil
    tell(lun, "lun taken offline")
    publish()
    let withdrawal = context.port.withdraw(handle, error: .noSuchAddressOrDevice)
    _ = await context.bounded(Self.withdrawalLimit) { await withdrawal.whenQuiet() }
  }

  /// Serves a LUN's file again, as it is now.
  func takeOnline(_ lun: LogicalUnitNumber) async throws(ControlError) {
    _ = try unit(lun)
    if offlineUnits.remove(lun) != nil { tell(lun, "lun taken online") }
    try await rescan(lun)
  }

  /// How long commands of a LUN may go without an answer; for those at the target too, and as long
  /// as the LUN is the same logical unit.
  func setTimeout(seconds: UInt64, of lun: LogicalUnitNumber) throws(ControlError) {
    _ = try unit(lun)
    guard let handle = knownFiles[lun]?.handle else {
      throw ControlError(
        .noSuchAddressOrDevice, .noObjectsFound, "LUN \(lun.name) of \(name) has no file")
    }
    knownFiles[lun]?.timeoutSeconds = seconds
    units.touch(handle)
    exposeAll()
    publish()
  }

  /// A session that is up, for a command of one LUN.
  private func anySession() throws(ControlError) -> TargetSession {
    guard let session = sessions.first(where: { !$0.isLost }) else {
      throw ControlError(
        .socketNotConnected, .sessionNotConnected, "\(name) is not logged in")
    }
    return session
  }

  private func unit(_ lun: LogicalUnitNumber) throws(ControlError) -> TargetLogicalUnit {
    guard let unit = units[lun] else {
      throw ControlError(
        .noSuchAddressOrDevice, .noObjectsFound, "\(name) has no LUN \(lun.name)")
    }
    return unit
  }
}
