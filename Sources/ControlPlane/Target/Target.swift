import ISCSI
import Logging
import LogicalUnit
import Reactor
import Records
import SCSI
import SystemPackage

/// One target: its portals, its sessions and the LUNs they show.
///
/// Long work (a login, a scan) runs in tasks of its own, so that events are taken at once; after
/// each wait the work looks at `epoch`, and lets go of what it has when a logout came between.
actor Target {
  /// Where the target stands.
  enum Phase: Equatable {
    case loggedOut
    case loggingIn
    case loggedIn
    case recovering
    case loggingOut
    case failed
    /// Forgotten, or at the end of the mount: nothing begins any more.
    case retired
  }

  nonisolated let name: ISCSIName
  nonisolated let directoryName: String
  let context: ControlContext

  var phase = Phase.loggedOut
  /// Grows with every login and logout: work begun in an older one is void.
  var epoch = 0
  var portals: [TargetPortal]
  /// Where portals given by name were reached.
  var knownAddresses = KnownAddresses()
  var lastError: ControlError?
  var loginLog = LoginLog()
  var sessions: [TargetSession] = []
  var isids = ISIDTable()
  var units = LogicalUnitTable()
  /// The units as they are shown, and what all of them were made with.
  private var shownUnits = SnapshotList<LogicalUnitSnapshot>()
  private var shownReach = Reach(isBlocked: false, portals: [])
  /// The file each LUN had when it was last seen: the same unit gets the same file again.
  var knownFiles: [LogicalUnitNumber: KnownFile] = [:]
  var openCounts: [LogicalUnitHandle: Int] = [:]
  /// What was written to its `config`, a line a key, and the settings that last made.
  var ownLines: [Setting] = []
  var ownSettings: InitiatorSettings?
  /// LUNs that somebody took offline, until `online` or another unit is in their place.
  var offlineUnits: Set<LogicalUnitNumber> = []

  /// Async Messages that came, of all sessions.
  var asyncMessages = Recurrence()

  /// Opens that wait for a path, by numbers in the order they came.
  var waitingOpens: [Int: CheckedContinuation<Void, Never>] = [:]
  var nextWaitingOpen = 0
  /// Logouts that wait for closes on their way.
  var waitingLogouts: [FirstOutcome] = []

  /// The mount ends: what is under way is ended, and nothing begins any more.
  var isEnding = false
  /// The logout under way, for the end of the mount to wait for.
  var logout: Task<Void, Never>?
  /// The login under way, for a logout to end.
  var attempt: Task<LoginFailure?, Never>?
  /// Logs in the sessions beyond the first.
  var filling: Task<Void, Never>?
  /// Tries a wanted login again.
  var retry: Task<Void, Never>?
  /// A wanted login waits for another session's place.
  var waitsForPlace = false
  /// The scan under way.
  var scan: Task<ControlError?, Never>?
  /// Somebody asked for a scan after the one under way had begun.
  var isScanWanted = false
  /// LUNs being looked at again; true: asked for once more since.
  var refreshes: [LogicalUnitNumber: Bool] = [:]
  /// A scan that a unit attention asked for and that has not begun.
  var scheduledScan: Task<Void, Never>?
  /// LUNs have come since `changes` was told.
  var hasNewUnits = false

  init(name: ISCSIName, portals: [Portal], context: ControlContext) {
    precondition(!portals.isEmpty, "a target has a portal")
    self.name = name
    directoryName = name.directoryName
    self.portals = portals.map { TargetPortal(portal: $0) }
    self.context = context
  }

  var logger: Logger {
    var logger = context.logger
    logger[metadataKey: "target"] = "\(name)"
    return logger
  }

  /// Adds the portals not known yet.
  func add(_ found: [Portal]) {
    for portal in found where !portals.contains(where: { $0.portal == portal }) {
      portals.append(TargetPortal(portal: portal))
    }
    publish()
  }

  /// True when the target may be forgotten.
  var isIdle: Bool { sessions.isEmpty && (phase == .loggedOut || phase == .failed) }

  /// Forgets everything but the name; the target must be idle.
  func retire() throws(ControlError) {
    guard isIdle else {
      throw ControlError(.resourceBusy, .busy, "\(name) is logged in; log out first")
    }
    epoch += 1
    phase = .retired
    stopRetrying()
    for file in knownFiles.values { context.registry.release(file.handle) }
    knownFiles = [:]
    context.board.remove(directoryName)
  }

  /// Logs out, whatever is open, and lets no login begin after it.
  func logOutForGood() async {
    // First of all: whoever asks while the logout waits is refused already.
    isEnding = true
    // One that is under way still has caches to flush and sessions to end.
    await logout?.value
    try? await logOut(force: true)
    stopRetrying()
    if isIdle { phase = .retired }
  }

  /// Ends one session; the last one's end is the target's logout.
  func logOutSession(number: Int) async throws(ControlError) {
    let session = try session(number: number)
    guard sessions.count > 1 else { return try await logOut(force: false) }
    await remove(session, "session ended: logged out")
  }

  /// Takes one of several sessions away; the others go on.
  func remove(_ session: TargetSession, _ event: String) async {
    sessions.removeAll { $0.number == session.number }
    tell(session, event)
    settle()
    exposeAll()
    publish()
    wakeOpens()
    await end(session)
  }

  // MARK: - Snapshot

  /// Shows what is now.
  func publish() {
    // A target that is forgotten must not come back by work that was under way.
    guard phase != .retired else { return }
    let portalSnapshots = portals.map { portal in
      portal.snapshot(state: state(of: portal.portal))
    }
    let reached = portalSnapshots.enumerated().filter { index, _ in
      sessions.contains { $0.facts.portal == portals[index].portal }
    }.map(\.element)
    showUnits(
      Reach(
        isBlocked: !sessions.isEmpty && sessions.allSatisfy(\.isLost), portals: reached))
    context.board.put(
      TargetSnapshot(
        name: name.value, directoryName: directoryName, state: shownState, outage: outage,
        lastError: lastError?.line ?? ControlError.successLine, portals: portalSnapshots,
        sessions: sessions.map(\.snapshot),
        logicalUnits: shownUnits))
  }

  /// What the sessions make of every unit alike.
  private struct Reach: Equatable {
    var isBlocked: Bool
    var portals: [PortalSnapshot]
  }

  /// Brings `shownUnits` up to date: a unit at a time, or all when the way to them has changed.
  private func showUnits(_ reach: Reach) {
    let changes = units.takeChanges()
    if reach == shownReach {
      for lun in changes { shownUnits[lun.rawValue] = units[lun].map(shown) }
    } else {
      shownReach = reach
      shownUnits = SnapshotList(units.values.map(shown))
    }
  }

  private func shown(_ unit: TargetLogicalUnit) -> LogicalUnitSnapshot {
    unit.snapshot(
      openCount: unit.handle.flatMap { openCounts[$0] } ?? 0,
      timeoutSeconds: knownFiles[unit.probed.description.logicalUnitNumber]?.timeoutSeconds,
      isBlocked: shownReach.isBlocked, portals: shownReach.portals)
  }

  private var shownState: TargetSnapshot.State {
    switch phase {
    case .loggedOut, .loggingOut, .retired: .loggedOut
    case .loggingIn: .loggingIn
    case .loggedIn: .loggedIn
    case .recovering: .recovering
    case .failed: .failed
    }
  }

  private func state(of portal: Portal) -> TargetSnapshot.State {
    let own = sessions.filter { $0.facts.portal == portal }
    if own.contains(where: { !$0.isLost }) { return .loggedIn }
    if !own.isEmpty { return .recovering }
    return phase == .loggingIn ? .loggingIn : .loggedOut
  }

  /// Notes an error for `last_error` and the log.
  func note(_ error: ControlError) {
    lastError = error
    logger.warning("\(error.line)")
  }

  /// Shows why a command was refused; whoever wrote it was told already.
  func show(_ error: ControlError) {
    lastError = error
    publish()
  }

  /// A command has succeeded: what was wrong before it no longer is.
  func forgetError() {
    lastError = nil
    publish()
  }
}
