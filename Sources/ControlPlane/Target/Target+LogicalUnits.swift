import ISCSI
import Logging
import LogicalUnit
import Reactor
import SCSI
import SystemPackage

/// Which LUNs exist, and what each of them is.
extension Target {
  /// How long after a unit attention the scan it asks for begins: they come one from each LUN.
  static let scanDelay = Duration.milliseconds(200)
  /// LUNs asked at once.
  private static let probesAtOnce = 8
  /// Scans in a row when the list goes on changing.
  private static let scanLimit = 4

  /// Reads the list of LUNs again and looks at each; nil when it succeeded.
  ///
  /// A second caller waits for a scan that begins after its call.
  func rescan() async -> ControlError? {
    isScanWanted = true
    while let running = scan {
      let failure = await running.value
      if !isScanWanted { return failure }
    }
    let mine = epoch
    let task = Task { await self.scanWhileWanted(in: mine) }
    scan = task
    return await task.value
  }

  private func scanWhileWanted(in mine: Int) async -> ControlError? {
    defer { scan = nil }
    var failure: ControlError?
    for _ in 0..<Self.scanLimit where isScanWanted {
      // A wish of a later login is not this scan's to grant.
      guard epoch == mine else { return nil }
      isScanWanted = false
      failure = await scanOnce(in: mine)
      guard epoch == mine else { return nil }
    }
    // Still changing: the next unit attention or person asks again.
    isScanWanted = false
    return failure
  }

  /// One scan on a session that is there.
  private func scanOnce(in mine: Int) async -> ControlError? {
    guard let session = sessions.first(where: { !$0.isLost }) else {
      return ControlError(
        .socketNotConnected, .sessionNotConnected, "\(name) has no session to scan on")
    }
    let scanner = LogicalUnitScanner(
      port: context.port, session: session.handle, clock: context.clock)
    let listed: [LogicalUnitNumber]
    do {
      listed = try await scanner.inventory()
    } catch {
      return ControlError(error.errno, .generic, "REPORT LUNS of \(name): \(error.sentence)")
    }
    guard epoch == mine else { return nil }
    for lun in Set(units.keys).subtracting(listed) {
      await forget(lun, error: .noSuchAddressOrDevice)
    }
    // LUNs in use first: their identity is what matters most after a loss.
    let ordered = listed.sorted { isOpen($0) && !isOpen($1) }
    let failure = await eachLogicalUnit(ordered, in: mine) {
      await self.look(at: $0, with: scanner, in: mine)
    }
    guard epoch == mine else { return nil }
    if scanner.inventoryChanged { isScanWanted = true }
    publish()
    announceNewUnits()
    return failure ?? lackOfPlaces
  }

  private static let lackOfPlace =
    "no room for its file: all \(HandleRegistry.logicalUnitCapacity) are in use"

  /// What to tell of the LUNs that have no file for want of room.
  private var lackOfPlaces: ControlError? {
    let lacking = units.values.filter(\.lacksPlace).map(\.probed.description.logicalUnitNumber)
    guard let first = lacking.min(by: { $0.rawValue < $1.rawValue }) else { return nil }
    let others = lacking.count > 1 ? " and \(lacking.count - 1) other(s)" : ""
    return ControlError(
      .noMemory, .noMemory, "LUN \(first.name) of \(name)\(others): \(Self.lackOfPlace)")
  }

  private func isOpen(_ lun: LogicalUnitNumber) -> Bool {
    units[lun]?.handle.map { openCounts[$0] != nil } ?? false
  }

  /// Asks LUNs, some at once; returns the first error.
  func eachLogicalUnit(
    _ luns: [LogicalUnitNumber], in mine: Int,
    _ ask: @escaping @Sendable (LogicalUnitNumber) async -> ControlError?
  ) async -> ControlError? {
    await withTaskGroup(of: ControlError?.self) { group in
      var rest = luns[...]
      var failure: ControlError?
      for _ in 0..<Self.probesAtOnce {
        guard let lun = rest.popFirst() else { break }
        group.addTask { await ask(lun) }
      }
      while let result = await group.next() {
        failure = failure ?? result
        guard epoch == mine, let lun = rest.popFirst() else { continue }
        group.addTask { await ask(lun) }
      }
      return failure
    }
  }

  /// Asks one LUN and shows the answer.
  func look(
    at lun: LogicalUnitNumber, with scanner: LogicalUnitScanner, in mine: Int
  ) async -> ControlError? {
    do {
      let probed = try await scanner.probe(lun)
      guard epoch == mine else { return nil }
      if let probed {
        await show(probed, at: lun)
      } else {
        await forget(lun, error: .noSuchAddressOrDevice)
      }
      return nil
    } catch {
      // What was known of the LUN stays: the next scan will tell.
      return ControlError(error.errno, .generic, "LUN \(lun.name) of \(name): \(error.sentence)")
    }
  }

  /// Looks at a LUN again; once more for all that it says meanwhile, and not for ever.
  ///
  /// A LUN that answers every look with another attention gets a bounded number of them.
  func scheduleRefresh(of lun: LogicalUnitNumber) {
    guard refreshes.updateValue(true, forKey: lun) == nil else { return }
    Task {
      for _ in 0..<Self.scanLimit where refreshes[lun] == true {
        refreshes[lun] = false
        await refresh(lun)
      }
      refreshes[lun] = nil
    }
  }

  /// Looks at one LUN again because of what it said (2A/09 and the like).
  private func refresh(_ lun: LogicalUnitNumber) async {
    guard let session = sessions.first(where: { !$0.isLost }), units[lun] != nil else { return }
    let mine = epoch
    let scanner = LogicalUnitScanner(
      port: context.port, session: session.handle, clock: context.clock)
    if let error = await look(at: lun, with: scanner, in: mine) { note(error) }
    publish()
    announceNewUnits()
  }

  // MARK: - Showing

  /// Gives a LUN its place, its file and its service, and takes them from what stood there before.
  private func show(_ probed: ProbedLogicalUnit, at lun: LogicalUnitNumber) async {
    let mine = epoch
    let before = units[lun]
    if let known = knownFiles[lun], let identity = probed.identity,
      let knownIdentity = known.identity, !knownIdentity.matches(identity)
    {
      await makeStale(lun, known)
      guard epoch == mine else { return }
    }
    guard probed.hasFile else {
      // A file that lost its reason to be goes; what stays is information.
      if before?.handle != nil { await forget(lun, error: .noSuchAddressOrDevice) }
      guard epoch == mine else { return }
      units[lun] = TargetLogicalUnit(probed: probed)
      notice(lun, before)
      return
    }
    guard let handle = file(for: lun, identity: probed.identity) else {
      var unit = TargetLogicalUnit(probed: probed, lacksPlace: true)
      unit.probed.availability = .informationOnly(reason: Self.lackOfPlace)
      units[lun] = unit
      notice(lun, before)
      return
    }
    // What another file was served with says nothing about this one.
    let served = units[lun].flatMap { $0.handle == handle ? $0.registration : nil }
    var unit = TargetLogicalUnit(probed: probed, handle: handle)
    unit.isOffline = offlineUnits.contains(lun)
    if let before, before.handle == handle {
      (unit.failure, unit.failures) = (before.failure, before.failures)
    }
    unit.registration = registration(of: probed) ?? served
    units[lun] = unit
    if let registration = unit.registration, registration != served {
      context.port.expose(handle, registration)
      if let old = served?.geometry,
        old.capacityBytes != registration.geometry.capacityBytes
      {
        tell(
          lun, "lun resized: \(old.capacityBytes) to \(registration.geometry.capacityBytes) bytes")
        context.changes.yield(.capacityChanged(handle))
      }
    }
    notice(lun, before)
  }

  /// Tells the tree and the log when a LUN's file or directory has come.
  private func notice(_ lun: LogicalUnitNumber, _ before: TargetLogicalUnit?) {
    guard let unit = units[lun], before == nil || before?.handle != unit.handle else { return }
    let inquiry = unit.probed.description.inquiry
    let size = unit.registration.map { "\($0.geometry.capacityBytes) bytes" } ?? "no medium"
    let reason = unit.probed.reason.map { ": \($0)" } ?? ""
    logger.info("LUN \(lun.name): \(inquiry.vendor) \(inquiry.product), \(size)\(reason)")
    tell(lun, "lun added: \(inquiry.vendor) \(inquiry.product), \(size)\(reason)")
    publish()
    hasNewUnits = true
    // A name that led elsewhere must not be believed any longer; new ones can wait for the rest.
    if before?.handle != nil { announceNewUnits() }
  }

  /// Tells that LUNs have come, once for all that have.
  func announceNewUnits() {
    guard hasNewUnits else { return }
    hasNewUnits = false
    context.changes.yield(.logicalUnitsChanged(target: directoryName))
  }

  /// The file a LUN has, or a new one; nil when there is no room.
  private func file(
    for lun: LogicalUnitNumber, identity: LogicalUnitIdentity?
  ) -> LogicalUnitHandle? {
    if let known = knownFiles[lun] {
      knownFiles[lun]?.identity = identity ?? known.identity
      return known.handle
    }
    guard let handle = context.registry.makeLogicalUnit(for: directoryName) else { return nil }
    knownFiles[lun] = KnownFile(handle: handle, identity: identity)
    return handle
  }

  /// What the reactor is to know, nil for a file that does not open.
  private func registration(of probed: ProbedLogicalUnit) -> LogicalUnitRegistration? {
    guard case .serving(let geometry) = probed.availability,
      !offlineUnits.contains(probed.description.logicalUnitNumber)
    else { return nil }
    let pool = sessions.prefix(LogicalUnitRegistration.sessionCapacity).map(\.handle)
    guard !pool.isEmpty else { return nil }
    let lun = probed.description.logicalUnitNumber
    return LogicalUnitRegistration(
      sessions: pool, lun: lun, geometry: geometry,
      isWriteProtected: probed.description.isWriteProtected || context.settings.isReadOnly,
      supportsForceUnitAccess: probed.description.supportsForceUnitAccess,
      hasVolatileCache: probed.description.hasVolatileCache,
      supportsSixteenByteCommands: probed.supportsSixteenByteCommands,
      provisioning: Provisioning(probed.description, geometry: geometry),
      queueDepth: settings.queueDepth, flushesUnasked: true,
      commandSeconds: knownFiles[lun]?.timeoutSeconds ?? LogicalUnitRegistration.commandSeconds)
  }

  /// Serves every file with the sessions there are now.
  func exposeAll() {
    for lun in units.keys {
      guard let unit = units[lun], let handle = unit.handle,
        let registration = registration(of: unit.probed), registration != unit.registration
      else { continue }
      units[lun]?.registration = registration
      context.port.expose(handle, registration)
    }
  }

  /// The unit behind a LUN is another one: the file of the old one is never served again.
  func makeStale(_ lun: LogicalUnitNumber, _ known: KnownFile) async {
    logger.warning("LUN \(lun.name) is another logical unit now: its old file is stale")
    tell(lun, "lun removed: another logical unit is in its place")
    knownFiles[lun] = nil
    offlineUnits.remove(lun)
    let (registry, handle) = (context.registry, known.handle)
    // Asked before anyone can see that the file is gone: no session is resumed ahead of it.
    let withdrawal = context.port.withdraw(handle, error: .staleNFSFileHandle)
    if units.remove(lun) != nil {
      publish()
      context.changes.yield(.logicalUnitsChanged(target: directoryName))
    }
    // The place is lent again only when nothing of the old unit's is at the target any more.
    _ = await context.bounded(Self.withdrawalLimit) {
      await withdrawal.whenQuiet()
      registry.release(handle)
    }
  }

  /// Takes a LUN out of the tree; requests for its file get `error`.
  func forget(_ lun: LogicalUnitNumber, error: Errno) async {
    guard let unit = units.remove(lun) else { return }
    let withdrawal = unit.registeredHandle.map { context.port.withdraw($0, error: error) }
    logger.info("LUN \(lun.name) is gone")
    tell(lun, "lun removed")
    publish()
    context.changes.yield(.logicalUnitsChanged(target: directoryName))
    guard let withdrawal else { return }
    _ = await context.bounded(Self.withdrawalLimit) { await withdrawal.whenQuiet() }
  }

  // MARK: - Events

  /// A unit attention or asynchronous event that may want action.
  func attention(_ lun: LogicalUnitNumber, _ sense: AdditionalSense?) {
    switch sense {
    case .capacityDataHasChanged?, .modeParametersChanged?, .mediumMayHaveChanged?,
      .asymmetricAccessStateChanged?:
      scheduleRefresh(of: lun)
    case .reportedLUNsDataHasChanged?, .inquiryDataHasChanged?, nil: scheduleScan()
    default: break
    }
  }

  /// Scans soon, once for all that ask until then.
  func scheduleScan() {
    guard scheduledScan == nil, !sessions.isEmpty else { return }
    scheduledScan = Task {
      do { try await context.clock.sleep(for: Self.scanDelay) } catch { return }
      scheduledScan = nil
      if let error = await rescan() { note(error) }
    }
  }
}

extension ScanFailure {
  /// The error number for who asked for the scan.
  var errno: Errno {
    switch self {
    case .session(.timedOut): .timedOut
    case .session(.busy): .resourceBusy
    case .session: .socketNotConnected
    case .refused: .ioError
    case .malformed, .incomplete, .capacityUntold: .protocolError
    }
  }
}
