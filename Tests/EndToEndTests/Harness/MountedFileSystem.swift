import FoundationEssentials
import Glibc
import Testing

/// `iscsifs mount` or `iscsifs demo` on a directory of the lab; unmounted whatever happens.
final class MountedFileSystem: Resource {
  enum Work: Sendable {
    case mount(String)
    case demo

    fileprivate var words: [String] {
      switch self {
      case .mount(let source): ["mount", source]
      case .demo: ["demo"]
      }
    }
  }

  /// The mount point.
  let path: String
  /// The daemon where it stays in the foreground, as a child of ours.
  let foreground: ManagedProcess?
  /// The daemon's id; 0 when it could not be found.
  let daemonID: pid_t
  /// What the command that mounted said.
  let greeting: String
  /// Shell variables for every script.
  private let prelude: String

  private init(
    path: String, foreground: ManagedProcess?, daemonID: pid_t, prelude: String = "true",
    greeting: String = ""
  ) {
    self.greeting = greeting
    self.path = path
    self.foreground = foreground
    self.daemonID = daemonID
    self.prelude = prelude
  }

  /// Mounts as a person does: the command returns and the daemon goes on.
  static func start(
    _ lab: Lab, _ work: Work, at given: String? = nil, options: [String] = [],
    environment: [String] = [], prelude: String = "true"
  ) async throws -> MountedFileSystem {
    let path = try given ?? lab.makeDirectory("mnt")
    let program = environment.isEmpty ? [] : ["env"] + environment
    let words = (program + [Binary.path] + work.words + [path] + Self.flags(lab, options))
      .map { "'\($0)'" }
    let result = await lab.shell(words.joined(separator: " "))
    guard result.status == 0 else {
      throw ManagedProcess.Failure(description: "\(path) is not mounted: \(result)")
    }
    let mount = MountedFileSystem(
      path: path, foreground: nil, daemonID: daemonID(of: path), prelude: prelude,
      greeting: result.output)
    lab.own(mount)
    return mount
  }

  /// Mounts as a child of ours that logs to a file, and waits for the tree; logins go on.
  static func startInForeground(
    _ lab: Lab, _ work: Work, at given: String? = nil, options: [String] = []
  ) async throws -> MountedFileSystem {
    let path = try given ?? lab.makeDirectory("mnt")
    let process = try ManagedProcess(
      [Binary.path] + work.words + [path, "-f", "-v"] + Self.flags(lab, options),
      output: lab.fresh("daemon.log"))
    let mount = MountedFileSystem(path: path, foreground: process, daemonID: process.processID)
    lab.own(mount)
    let isReady = await eventually(.seconds(30)) {
      process.status != nil || FileManager.default.fileExists(atPath: path + "/version")
    }
    guard isReady, process.status == nil else {
      throw ManagedProcess.Failure(
        description: "\(path) is not mounted: \(process.output), status \(process.status ?? -1)")
    }
    return mount
  }

  /// How requests come, for every mount of a run (ISCSIFS_TEST_CHANNEL): dev, or uring.
  static let channel = ProcessInfo.processInfo.environment["ISCSIFS_TEST_CHANNEL"] ?? "dev"

  /// Options of every mount of ours: nothing of this machine's is read or changed.
  ///
  /// One session a target, so that tests can count them, unless a test says otherwise.
  static func flags(_ lab: Lab, _ options: [String]) -> [String] {
    let own = ["state=\(lab.path)/state", "channel=\(channel)", "sessions=1"]
    return ["-o", (own + options).joined(separator: ",")]
  }

  /// The daemon that serves a mount point in the background; 0 when there is none.
  static func daemonID(of path: String) -> pid_t {
    for name in (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? [] {
      guard let processID = pid_t(name),
        let data = try? Data(contentsOf: URL(filePath: "/proc/\(name)/cmdline"))
      else { continue }
      let words = data.split(separator: 0).map { String(decoding: $0, as: UTF8.self) }
      if words.contains("--ready-descriptor"), words.contains(path) { return processID }
    }
    return 0
  }

  /// Runs a script in the mount point, as M, with the first target's directory as T.
  func shell(_ script: String, limit: Duration = .seconds(60)) async -> ShellResult {
    await Shell.run(
      script, environment: ["M": path, "ISCSIFS": Binary.path], limit: limit,
      prelude: "cd $M && T=$M/$(ls -d targets/* 2>/dev/null | head -1)\n" + prelude)
  }

  func isMounted() async -> Bool {
    await Shell.run("grep -qF ' \(path) fuse' /proc/self/mounts").status == 0
  }

  /// Whether the daemon still runs.
  var isRunning: Bool {
    if let foreground { return foreground.status == nil }
    // A daemon that has ended stays a zombie until init looks.
    let line = try? String(contentsOf: URL(filePath: "/proc/\(daemonID)/stat"), encoding: .utf8)
    guard daemonID > 0, let state = line?.split(separator: ")").last else { return false }
    return !state.hasPrefix(" Z")
  }

  @discardableResult
  func unmount() async -> ShellResult { await Shell.run("umount '\(path)'") }

  /// Waits for the daemon's end; its exit status where it is a child of ours.
  func waitForEnd(_ limit: Duration = .seconds(20)) async -> Int32? {
    if let foreground { return await foreground.wait(limit) }
    return await eventually(limit) { !isRunning } ? 0 : nil
  }

  func end() async {
    if await isMounted() {
      let isUnmounted = await eventually(.seconds(3)) { await unmount().status == 0 }
      if !isUnmounted {
        Issue.record("\(path) was busy at the end: \(await Shell.run("fuser -vm '\(path)'"))")
        _ = await Shell.run("umount -l '\(path)'")
      }
    }
    guard isRunning, await waitForEnd(.seconds(15)) == nil else { return }
    Issue.record("the daemon of \(path) outlived its mount: \(foreground?.output ?? "")")
    if let foreground { await foreground.killGroup() } else { kill(daemonID, SIGKILL) }
  }
}
