import Glibc
import Records
import SystemPackage

/// Everything the daemon needs to know, checked and complete before it starts.
struct DaemonPlan: Sendable {
  enum Work: Equatable, Sendable {
    case initiator(MountSource)
    /// The embedded in-memory target.
    case demo
  }

  let work: Work
  /// Absolute, without symbolic links.
  let mountpoint: String
  let options: MountOptions
  /// Defaults, file and options, validated.
  let configuration: Configuration
  let identity: InitiatorIdentity
  let stateDirectory: String
  /// The kernel is offered FUSE over io_uring.
  let offersRing: Bool
  let ready: ReadySignal
  /// True: stay attached to the terminal, log to standard error.
  let isForeground: Bool

  /// Whether targets are logged in to as soon as they are known.
  var logsInAtStart: Bool {
    switch (options.login, work) {
    case (.automatic?, _): true
    case (.manual?, _): false
    case (nil, .initiator(.portal)), (nil, .demo): true
    case (nil, .initiator): configuration.node.startup.logsInAtStart
    }
  }

  /// The `fsname` of the mount, the first word of its line in /proc/mounts.
  var sourceName: String {
    switch work {
    case .initiator(let source): source.description
    case .demo: "demo"
    }
  }
}

extension DaemonPlan {
  /// Layers defaults, file and options, and checks the whole.
  static func configuration(
    source: MountSource?, options: MountOptions, userID: UInt32 = geteuid()
  ) throws(ConfigurationError) -> Configuration {
    var configuration = Configuration()
    if let path = try configurationPath(source: source, options: options) {
      try configuration.apply(ConfigurationFile.settings(path: path, userID: userID))
    }
    try configuration.apply(options.settings)
    try configuration.validate()
    return configuration
  }

  /// The file to read: the source itself, `-o config=`, or the standard one if it can be read.
  private static func configurationPath(
    source: MountSource?, options: MountOptions
  ) throws(ConfigurationError) -> String? {
    if case .configurationFile(let path) = source {
      guard options.configurationFile == nil else {
        throw ConfigurationError(
          .option("config"), .contradiction("\(path) is the configuration already; name one file"))
      }
      return path
    }
    if let path = options.configurationFile { return path }
    let isReadable = (try? TextFile.read(ConfigurationFile.standardPath)) != nil
    return isReadable ? ConfigurationFile.standardPath : nil
  }

  /// Where state is kept that outlives a mount: `-o state=`, root's, or the user's own.
  ///
  /// Source: XDG Base Directory Specification, `XDG_STATE_HOME`.
  static func stateDirectory(
    options: MountOptions, userID: UInt32, environment: [String: String]
  ) -> String {
    if let directory = options.stateDirectory { return directory }
    if userID == 0 { return "/var/lib/iscsifs" }
    if let state = environment["XDG_STATE_HOME"], state.hasPrefix("/") { return state + "/iscsifs" }
    if let home = environment["HOME"], home.hasPrefix("/") { return home + "/.local/state/iscsifs" }
    return "/tmp/iscsifs-\(userID)"
  }
}
