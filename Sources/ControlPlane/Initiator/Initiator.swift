package import ISCSI
import LinuxIO
package import Logging
package import Reactor
package import Records
import SCSI
package import SystemPackage

/// The control plane of one mount: it knows every target and decides what is logged in.
///
/// The tree asks it, the reactor tells it; it never touches a LUN's data.
package actor Initiator: TreeSource {
  /// Threads for connecting and logging in; each target takes one at a time and session.
  static let loginThreadCount = 16
  /// Logins that may wait for a thread.
  static let loginQueueCapacity = 4096
  /// How long the logouts at the end may take together.
  static let shutdownLimit = Duration.seconds(10)
  /// Targets logged in at once by one command.
  static let loginsAtOnce = 8

  let context: ControlContext
  var targets: [String: Target] = [:]
  /// Whose file is open how often: a file that is stale by now is closed there too.
  private var openFiles: [LogicalUnitHandle: (owner: String, count: Int, writers: Int)] = [:]
  private let shutdownRequest = FirstOutcome()
  /// The shutdown under way or done, for everyone who asks.
  var ending: Task<Void, Never>?

  package nonisolated let changes: AsyncStream<TreeChange>

  /// An initiator that talks TCP and lives in real time.
  package init(
    settings: InitiatorSettings, configuration: Configuration = Configuration(),
    port: ReactorPort, logger: Logger
  ) throws(Errno) {
    let pool = try BlockingPool(
      name: "login", threadCount: Self.loginThreadCount, capacity: Self.loginQueueCapacity)
    self.init(
      settings: settings, configuration: configuration, port: port, logger: logger,
      environment: ControlEnvironment(
        connector: LoginDriver(pool: pool), clock: ContinuousClock(),
        random: { Double.random(in: 0..<1) }))
  }

  init(
    settings: InitiatorSettings, configuration: Configuration = Configuration(),
    port: ReactorPort, logger: Logger, environment: ControlEnvironment
  ) {
    let (stream, continuation) = AsyncStream.makeStream(
      of: TreeChange.self, bufferingPolicy: .bufferingNewest(4096))
    changes = stream
    context = ControlContext(
      settings: settings, configuration: configuration, port: port, environment: environment,
      logger: logger, changes: continuation)
  }

  /// Takes what the reactor tells, until the mount ends, `shutdown` is called or the task is
  /// cancelled.
  package func run() async {
    let port = context.port
    let shutdownRequest = shutdownRequest
    await withTaskGroup(of: Void.self) { group in
      group.addTask {
        for await event in port.events {
          if event == .unmounted { break }
          await self.take(event)
        }
        shutdownRequest.finish(true)
      }
      _ = await withTaskCancellationHandler {
        await shutdownRequest.value
      } onCancel: {
        shutdownRequest.finish(true)
      }
      group.cancelAll()
    }
  }

  /// Sends an event to the target it is about.
  private func take(_ event: ReactorEvent) async {
    switch event {
    case .sessionLost(let session, let failure, let silence):
      await target(of: session)?.sessionLost(session, failure, silentMilliseconds: silence)
    case .lastConnectionLost(let session, let failure, let silence):
      await target(of: session)?.sessionLost(
        session, failure, silentMilliseconds: silence, keepsTasks: true)
    case .connectionLost(let session, let connectionID, let failure):
      await target(of: session)?.connectionLost(connectionID, of: session, failure)
    case .connectionClosed(let session, let connectionID, let seconds):
      await target(of: session)?.connectionClosed(connectionID, of: session, time2Wait: seconds)
    case .unitAttention(let session, let lun, let sense):
      await target(of: session)?.attention(lun, sense)
    case .asyncMessage(let session, let kind, let lun, let sense):
      await target(of: session)?.asyncMessage(session, kind, lun, sense)
    case .unitWantsLook(let session, let lun):
      await target(of: session)?.scheduleRefresh(of: lun)
    case .escalated(let session, let function, let lun):
      await target(of: session)?.escalated(session, function, lun)
    case .commandFailed(let unit, let failure):
      guard let owner = context.registry.owner(of: unit) else { return }
      await targets[owner]?.commandFailed(unit, failure)
    case .logicalUnitGone(let unit):
      guard let owner = context.registry.owner(of: unit) else { return }
      await targets[owner]?.scheduleScan()
    case .contentsUnknown(let unit): context.changes.yield(.contentsChanged(unit))
    case .unmounted: break
    }
  }

  private func target(of session: SessionHandle) -> Target? {
    context.registry.owner(of: session).flatMap { targets[$0] }
  }

  // MARK: - What the tree reads

  package nonisolated var channel: RequestChannel { context.port.channel }

  package nonisolated func snapshot() -> InitiatorSnapshot { context.board.current }

  package func statistics(_ session: SessionHandle) async -> SessionStatistics? {
    guard context.registry.owner(of: session) != nil else { return nil }
    return await context.port.statistics(session)
  }

  package func queueDepth(_ unit: LogicalUnitHandle) async -> UInt16? {
    await context.port.queueDepth(unit)
  }

  package nonisolated func events() throws(Errno) -> ByteStream {
    try context.events.subscribe()
  }

  package func loginLog(target: String) async -> String? {
    await targets[target]?.loginLog.text
  }

  package func openLogicalUnit(
    _ unit: LogicalUnitHandle, writable: Bool
  ) async throws(Errno) {
    guard let owner = context.registry.owner(of: unit), let target = targets[owner] else {
      throw context.registry.isStale(unit) ? .staleNFSFileHandle : .noSuchAddressOrDevice
    }
    try await target.open(unit, writable: writable)
    openFiles[unit, default: (owner, 0, 0)].count += 1
    guard writable else { return }
    openFiles[unit]?.writers += 1
    context.port.opened(unit)
  }

  package func closeLogicalUnit(_ unit: LogicalUnitHandle, writable: Bool) async {
    guard let (owner, count, writers) = openFiles[unit] else { return }
    let remaining = writable && writers > 0 ? writers - 1 : writers
    if remaining < writers { context.port.closed(unit) }
    openFiles[unit] = count > 1 ? (owner, count - 1, remaining) : nil
    await targets[owner]?.close(unit)
  }

  package func setInitiatorName(_ name: String) async throws(ControlError) {
    let parsed: ISCSIName
    do {
      parsed = try ISCSIName(name)
    } catch {
      throw ControlError(.invalidArgument, .invalid, error.sentence)
    }
    guard parsed.isPlain else {
      throw ControlError(
        .invalidArgument, .invalid, "\"\(name.excerpt)\" is no iqn., eui. or naa. name")
    }
    for target in targets.values {
      guard await target.isIdle else {
        throw ControlError(
          .resourceBusy, .busy, "\(target.name) is logged in under the present name")
      }
    }
    context.setInitiatorName(parsed.value)
  }

  // MARK: - Beginning and end

  /// Finds the targets of a portal and, unless logins are manual, logs in to all of them.
  ///
  /// A target that cannot be logged in to is tried again later and hurts no other.
  package func start(portal: Portal) async throws(ControlError) {
    try await discover(portal)
  }

  /// Logs every session out, within ten seconds in all, and ends `run`.
  package func shutdown() async {
    let task = ending ?? Task { await self.logOutForGood() }
    ending = task
    await task.value
  }

  /// Tells who reads `events` that this was all, and gives them time to go before the mount does.
  private func endEvents() async {
    context.events.finish()
    let clock = context.clock
    var pauses = 0
    while context.events.hasReaders, pauses < 50 {
      pauses += 1
      do { try await clock.sleep(for: .milliseconds(10)) } catch { return }
    }
  }

  private func logOutForGood() async {
    context.sessionQueue.removeAll()
    let targets = Array(targets.values)
    let isDone = await context.bounded(Self.shutdownLimit) {
      await withTaskGroup(of: Void.self) { group in
        for target in targets {
          group.addTask { await target.logOutForGood() }
        }
      }
    }
    if !isDone { context.logger.warning("some targets did not answer the logout") }
    await endEvents()
    context.changes.finish()
    shutdownRequest.finish(true)
  }
}
