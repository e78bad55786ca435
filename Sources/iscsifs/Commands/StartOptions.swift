import ArgumentParser
import FoundationEssentials
import Glibc
import LinuxIO
import Logging
import Records
import SystemPackage

/// The options `mount` and `demo` share.
struct StartOptions: ParsableArguments {
  @Option(
    name: .short,
    help: ArgumentHelp(
      "Mount options, separated by commas.",
      discussion: """
        login=auto|manual, cache=none|read|writeback, channel=auto|dev|uring, ro, allow_other, \
        uid=N, gid=N, umask=OCTAL, state=DIR, config=FILE, sessions=N, allow_core (a crash leaves \
        a core, with the secrets in it), and every node.* key of open-iscsi by its name.
        """,
      valueName: "option,..."))
  var o: [String] = []

  @Flag(name: .short, help: "Stay in the foreground and log to standard error.")
  var foreground = false

  @Flag(name: .shortAndLong, help: "Log more; twice for everything.")
  var verbose: Int

  @Flag(help: .hidden)
  var sloppy = false

  @Flag(help: .hidden)
  var fake = false

  @Option(help: .hidden)
  var readyDescriptor: Int32?

  /// Checks everything, then becomes the daemon or starts it in the background.
  func start(
    _ work: DaemonPlan.Work, at given: String, asking command: String
  ) async throws(CommandFailure) {
    let ready = try readyDescriptor.map { number throws(CommandFailure) in
      try ReadySignal(inherited: number)
    }
    do {
      let plan = try plan(work, at: given, ready: ready ?? .nobody)
      if fake { return }
      if foreground || ready != nil {
        // Somebody waits at a terminal: failed logins are told in sentences when it is mounted.
        LogSetup.bootstrap(verbosity: verbose, usual: ready == nil ? .notice : .error)
        if plan.options.allowsCore { ProcessMemory.expose() }
        // A demo's disks are its own memory: they are not to be kept from being swapped out.
        if case .initiator = plan.work { StorageManners.adopt(logger: Logger(label: "iscsifs")) }
        try await iscsifs.run(plan)
      } else {
        let operands = [sourceArgument(work), plan.mountpoint].compactMap(\.self)
        try BackgroundStart.run(command, arguments + ["--"] + operands)
        for sentence in FailedLogins.sentences(at: plan.mountpoint) { Output.complain(sentence) }
      }
    } catch {
      let failure = CommandFailure(error)
      guard let ready else { throw failure }
      // The command that waits at the other end of the pipe prints it.
      ready.report(failure)
      Glibc.exit(failure.status.rawValue)
    }
  }

  /// These options again, for the process in the background.
  private var arguments: [String] {
    o.flatMap { ["-o", $0] } + (0..<verbose).map { _ in "--verbose" } + (sloppy ? ["--sloppy"] : [])
  }

  private func sourceArgument(_ work: DaemonPlan.Work) -> String? {
    if case .initiator(let source) = work { source.description } else { nil }
  }

  private func plan(
    _ work: DaemonPlan.Work, at given: String, ready: ReadySignal
  ) throws(CommandFailure) -> DaemonPlan {
    let options: MountOptions
    let configuration: Configuration
    let identity: InitiatorIdentity
    let mountpoint = try Mountpoint(given)
    let environment = ProcessInfo.processInfo.environment
    let userID = geteuid()
    let state: String
    let offersRing: Bool
    do {
      options = try MountOptions(parsing: o, isSloppy: sloppy)
      var source: MountSource?
      if case .initiator(let named) = work { source = named }
      configuration = try DaemonPlan.configuration(source: source, options: options)
      try mountpoint.prepare()
      offersRing = try RingSupport.isOffered(options.channel)
      // Absolute, because the daemon leaves the directory it was started in.
      state =
        FilePath(FileManager.default.currentDirectoryPath).pushing(
          FilePath(
            DaemonPlan.stateDirectory(options: options, userID: userID, environment: environment))
        ).string
      identity = try InitiatorIdentity.resolve(
        configuration, files: InitiatorIdentity.Files(stateDirectory: state), userID: userID)
    } catch { throw CommandFailure(error) }
    return DaemonPlan(
      work: work, mountpoint: mountpoint.path, options: options, configuration: configuration,
      identity: identity, stateDirectory: state, offersRing: offersRing, ready: ready,
      isForeground: ready.isForeground)
  }
}
