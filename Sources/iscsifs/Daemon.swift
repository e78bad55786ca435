import ControlPlane
import FUSE
import Glibc
import ISCSI
import Logging
import Reactor
import Records
import SystemPackage
import Tree
import UnixSignals

/// Runs the daemon of a mount until it is unmounted or told to end.
///
/// The caller has checked the plan. Returns when every session is logged out and the mount is gone;
/// what it throws before it was ready is printed by the command that started it.
func run(_ plan: DaemonPlan) async throws {
  // First of all: whoever sees the mount may want it gone.
  let signals = await UnixSignalsSequence(trapping: .sigterm, .sigint, .sighup)
  // What tasks sleep with takes its descriptors at the first sleep, and traps where none is left.
  try await Task.sleep(for: .milliseconds(1))
  let daemon: Daemon
  do {
    daemon = try Daemon(plan)
  } catch let error as Errno {
    throw MountError.lacking(path: plan.mountpoint, error)
  }
  do {
    try await daemon.serve(until: signals)
  } catch {
    await daemon.end()
    throw error
  }
  await daemon.end()
}

/// The parts of one mount and the order in which they begin and end.
///
/// Data flows from the kernel through the reactor to the targets; the control plane decides, the
/// tree shows. The reactor ends last: the logouts of the end still go through it.
struct Daemon {
  private let plan: DaemonPlan
  private let logger = Logger(label: "iscsifs")
  private let port: ReactorPort
  private let initiator: Initiator
  private let tree: Tree
  private let session: FileSystemSession
  private let coldServer: ColdServer
  private let reactors: Reactors
  private let following: Task<Void, Never>
  private let demo: DemoTarget?

  /// Mounts, and starts the threads; no target is asked yet.
  init(_ plan: DaemonPlan) throws {
    self.plan = plan
    let lanes = plan.offersRing ? Lanes.forRings() : .one
    let port = try ReactorPort(lanes: lanes)
    self.port = port
    demo = plan.work == .demo ? try DemoTarget() : nil
    initiator = try Initiator(
      settings: try InitiatorSettings(plan), configuration: plan.configuration, port: port,
      logger: Logger(label: "control"))
    let notifier = try KernelNotifier()
    tree = Tree(source: initiator, options: TreeOptions(plan), notifier: notifier)
    let ring = plan.offersRing ? RingOffer(for: port) : nil
    let session = try FileSystemSession(
      FUSE.MountOptions(plan), operations: tree, notifier: notifier, ring: ring)
    self.session = session
    do throws(Errno) {
      let coldQueue = try ColdQueue()
      coldServer = try ColdServer(session: session, queue: coldQueue)
      reactors = try Reactors(
        port: port, coldQueue: coldQueue, ringExchange: ring?.exchange,
        requestDescriptor: session.requestDescriptor)
    } catch {
      // Nobody would serve it. The process ends with this error, and with it its threads.
      session.unmount()
      throw error
    }
    following = Task { [tree] in await tree.followChanges() }
  }

  /// Finds the targets the source names, and logs in to them unless a person shall.
  private func begin() async throws {
    ReadAhead.raise(mountpoint: plan.mountpoint, logger: logger)
    switch plan.work {
    case .demo:
      if let portal = demo?.portal { try await initiator.start(portal: portal) }
    case .initiator(.portal(let address)):
      try await initiator.start(portal: Portal(address))
    case .initiator(.configurationFile):
      if let address = plan.configuration.discovery.portal {
        try await initiator.start(portal: Portal(address))
      }
      if let name = plan.configuration.node.targetName,
        let address = plan.configuration.node.portal
      {
        try await initiator.perform(.add(name: name, portal: Portal(address).address))
        if plan.logsInAtStart { try await initiator.perform(.login(name: name)) }
      }
    case .initiator(.none): break
    }
  }

  /// Begins, tells whoever waits that the mount is usable, and serves until the mount is gone or a
  /// signal says to end it.
  ///
  /// Signals and the reactors' events are heard from the start: a first login may take long, and
  /// sessions that are up may be lost meanwhile. Told to end before the mount was usable, it ends
  /// without having said so.
  func serve(until signals: UnixSignalsSequence) async throws {
    try await withThrowingTaskGroup(of: Step.self) { group in
      group.addTask {
        await initiator.run()
        return .over
      }
      group.addTask {
        await awaitSignal(among: signals)
        return .over
      }
      group.addTask {
        try await begin()
        return .begun
      }
      defer { group.cancelAll() }
      while let step = try await group.next() {
        switch step {
        case .begun: try plan.ready.announce()
        case .over:
          // Ends a first login under way, which the group would wait for.
          group.cancelAll()
          await initiator.shutdown()
          while (try? await group.next()) != nil {}
        }
      }
    }
  }

  private enum Step {
    /// The mount is usable.
    case begun
    /// It is gone, or told to end.
    case over
  }

  /// Returns when a signal says to end; a second one is heard until the process ends, and ends it.
  private func awaitSignal(among signals: UnixSignalsSequence) async {
    let (told, tell) = AsyncStream.makeStream(of: Void.self)
    Task { [logger, mountpoint = plan.mountpoint] in
      var isTold = false
      for await signal in signals {
        guard signal != .sighup else { continue }
        guard !isTold else { Self.endNow(signal, mountpoint, logger) }
        isTold = true
        logger.notice("told to end by \(signal)")
        tell.yield()
      }
    }
    for await _ in told { return }
  }

  /// Ends without waiting for any target: what is under way fails, the mount goes.
  private static func endNow(_ signal: UnixSignal, _ mountpoint: String, _ logger: Logger) -> Never
  {
    logger.warning("told again by \(signal): ends without logging out")
    try? Mountpoint(mountpoint).unmount(isLazy: true)
    _exit(128 + signal.rawValue)
  }

  /// Takes away what the kernel's abort of the connection has left: a mount nobody serves, which
  /// libfuse holds for gone.
  private func removeDeadMount() {
    guard let mountpoint = try? Mountpoint(plan.mountpoint), let table = try? MountTable.current(),
      MountpointFacts.gather(mountpoint.path, table: table).isDeadMountOfOurs
    else { return }
    try? mountpoint.unmount(isLazy: true)
  }

  /// Logs out, unmounts and waits for the threads; bounded by the limits of each step.
  func end() async {
    await initiator.shutdown()
    following.cancel()
    session.unmount()
    removeDeadMount()
    port.stop()
    reactors.join()
    coldServer.shutDown()
    demo?.stop()
  }
}
