import FoundationEssentials
package import Glibc

/// `iscsifs mount` or `iscsifs demo` on a directory of the lab; unmounted whatever happens.
package final class MountedFileSystem: Resource {
  package enum Work: Sendable {
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
  package let path: String
  /// The daemon where it stays in the foreground, as a child of ours.
  package let foreground: ManagedProcess?
  /// The daemon's id; 0 when it could not be found.
  package let daemonID: pid_t
  /// What the command that mounted said.
  package let greeting: String
  private let lab: Lab
  /// Shell variables for every script.
  private let prelude: String

  private init(
    _ lab: Lab, path: String, foreground: ManagedProcess?, daemonID: pid_t,
    prelude: String = "true",
    greeting: String = ""
  ) {
    self.lab = lab
    self.greeting = greeting
    self.path = path
    self.foreground = foreground
    self.daemonID = daemonID
    self.prelude = prelude
  }

  /// Mounts as a person does: the command returns and the daemon goes on.
  package static func start(
    _ lab: Lab, _ work: Work, at given: String? = nil, options: [String] = [],
    environment: [String] = [], prelude: String = "true"
  ) async throws -> MountedFileSystem {
    let path = try given ?? lab.makeDirectory("mnt")
    let program = environment.isEmpty ? [] : ["env"] + environment
    let words = (program + [lab.program] + work.words + [path] + Self.flags(lab, options))
      .map { "'\($0)'" }
    let result = await lab.shell(words.joined(separator: " "))
    guard result.status == 0 else {
      throw ManagedProcess.Failure(
        description: "\(path) is not mounted: \(result)", status: result.status)
    }
    let mount = MountedFileSystem(
      lab, path: path, foreground: nil, daemonID: daemonID(of: path), prelude: prelude,
      greeting: result.output)
    lab.own(mount)
    return mount
  }

  /// Mounts as a child of ours that logs to a file, and waits for the tree; logins go on.
  ///
  /// - Parameter program: another iscsifs than the lab's.
  package static func startInForeground(
    _ lab: Lab, _ work: Work, at given: String? = nil, options: [String] = [],
    program: String? = nil, logging: [String] = ["-v"]
  ) async throws -> MountedFileSystem {
    let path = try given ?? lab.makeDirectory("mnt")
    let process = try ManagedProcess(
      [program ?? lab.program] + work.words + [path, "-f"] + logging + Self.flags(lab, options),
      output: lab.fresh("daemon.log"))
    let mount = MountedFileSystem(lab, path: path, foreground: process, daemonID: process.processID)
    lab.own(mount)
    // In a process of its own: asking a mount that does not answer would block this one for good.
    let isReady = await eventually(.seconds(30)) {
      if process.status != nil { return true }
      return await Shell.run("[ -e '\(path)/version' ]", limit: .seconds(5)).status == 0
    }
    guard isReady, process.status == nil else {
      throw ManagedProcess.Failure(
        description: "\(path) is not mounted: \(process.output), status \(process.status ?? -1)",
        status: process.status)
    }
    return mount
  }

  /// Options of every mount of ours: nothing of this machine's is read or changed.
  package static func flags(_ lab: Lab, _ options: [String]) -> [String] {
    ["-o", (["state=\(lab.path)/state"] + lab.mountOptions + options).joined(separator: ",")]
  }

  /// The daemon that serves a mount point in the background; 0 when there is none.
  package static func daemonID(of path: String) -> pid_t {
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
  package func shell(_ script: String, limit: Duration = .seconds(60)) async -> ShellResult {
    await Shell.run(
      script, environment: ["M": path, "ISCSIFS": lab.program], limit: limit,
      prelude: "cd $M && T=$M/$(ls -d targets/* 2>/dev/null | head -1)\n" + prelude)
  }

  package func isMounted() async -> Bool {
    await Shell.run("grep -qF ' \(path) fuse' /proc/self/mounts").status == 0
  }

  /// Whether the daemon still runs.
  package var isRunning: Bool {
    if let foreground { return foreground.status == nil }
    // A daemon that has ended stays a zombie until init looks.
    let line = try? String(contentsOf: URL(filePath: "/proc/\(daemonID)/stat"), encoding: .utf8)
    guard daemonID > 0, let state = line?.split(separator: ")").last else { return false }
    return !state.hasPrefix(" Z")
  }

  @discardableResult
  package func unmount() async -> ShellResult { await Shell.run("umount '\(path)'") }

  /// Waits for the daemon's end; its exit status where it is a child of ours.
  package func waitForEnd(_ limit: Duration = .seconds(20)) async -> Int32? {
    if let foreground { return await foreground.wait(limit) }
    return await eventually(limit) { !isRunning } ? 0 : nil
  }

  package func end() async {
    if await isMounted() {
      let isUnmounted = await eventually(.seconds(3)) { await unmount().status == 0 }
      if !isUnmounted {
        let users = await Shell.run("fuser -vm '\(path)' 2>&1 | grep -v 'Cannot stat'")
        lab.complain("\(path) was busy at the end: \(users.output)")
        _ = await Shell.run("umount -l '\(path)'")
      }
    }
    guard isRunning, await waitForEnd(.seconds(15)) == nil else { return }
    // Where each of its threads is: nobody can ask it afterwards.
    let threads = await Shell.run(
      "cd /proc/\(daemonID)/task && grep -H . */comm */wchan */syscall")
    lab.complain(
      "the daemon of \(path) outlived its mount: \(foreground?.output ?? "")\(threads.output)")
    if let foreground { await foreground.killGroup() } else { kill(daemonID, SIGKILL) }
  }
}
