import Lab
import LinuxIO

/// A mount of one target, watched: what it has of the machine, and what `events` tells.
struct MountedTarget: Sendable {
  let stage: Stage
  let mount: MountedFileSystem
  let name: String
  /// What the daemon had when it had just worked for the first time.
  let baseline: DaemonUsage
  private let events: ManagedProcess

  /// Mounts, logs in, works a little, and flushes: a daemon's first fsync answers for what others
  /// have written.
  ///
  /// - Parameters:
  ///   - settings: lines of a configuration.
  ///   - environment: of the daemon, which then goes on in the background.
  static func start(
    _ stage: Stage, name: String, port: UInt16, settings: [String] = [], lun: Int = 1,
    environment: [String] = []
  ) async throws -> MountedTarget {
    let configuration = try stage.lab.write(
      ([
        "node.name = \(name)", "node.conn[0].address = 127.0.0.1", "node.conn[0].port = \(port)",
      ] + settings).joined(separator: "\n") + "\n", name: "iscsifs.conf")
    return try await start(
      stage, .mount(configuration), name: name, lun: lun, environment: environment)
  }

  /// Mounts what discovery finds at a portal, `name` among it.
  static func start(
    _ stage: Stage, _ work: MountedFileSystem.Work, name: String, lun: Int = 1,
    at path: String? = nil, options: [String] = [], environment: [String] = []
  ) async throws -> MountedTarget {
    let options = ["login=auto"] + options
    let mount =
      environment.isEmpty
      ? try await MountedFileSystem.startInForeground(
        stage.lab, work, at: path, options: options)
      : try await MountedFileSystem.start(
        stage.lab, work, at: path, options: options, environment: environment)
    let file = "\(mount.path)/targets/\(name)/lun\(lun)"
    try await stage.expect("\(file) is there") {
      await stage.lab.shell(
        "dd if='\(file)' of=/dev/null bs=64k count=64 iflag=direct status=none && sync '\(file)'",
        limit: .seconds(10)
      ).status == 0
    }
    let events = try ManagedProcess(
      ["cat", "\(mount.path)/events"], output: stage.lab.fresh("events"))
    stage.lab.own(OwnedProcess(events))
    guard let baseline = DaemonUsage(mount.daemonID) else {
      throw DrillFailure("the daemon is gone: \(mount.foreground?.output ?? "")")
    }
    return MountedTarget(
      stage: stage, mount: mount, name: name, baseline: baseline, events: events)
  }

  var directory: String { "\(mount.path)/targets/\(name)" }

  /// A LUN's file.
  func file(_ lun: Int = 1) -> String { "\(directory)/lun\(lun)" }

  /// The only LUN's file by a name without colons, at which fio would part it.
  func plainFile() async throws -> String {
    try await stage.require("ls -d \(mount.path)/by-id/* | head -1").value
  }

  /// Runs a script in the target's directory.
  func shell(_ script: String, limit: Duration = .seconds(30)) async -> ShellResult {
    await stage.lab.shell("cd '\(directory)' || exit\n" + script, limit: limit)
  }

  func state() async -> String { await shell("cat state", limit: .seconds(5)).value }

  /// What `events` has told since the mount.
  var eventText: String { events.output }

  /// Sessions lost since the mount, as `events` tells.
  var lossCount: Int { eventText.split(separator: "\n").count { $0.contains("session lost") } }

  func waitUntilLoggedIn(_ limit: Duration = .seconds(30)) async throws {
    try await stage.expect("the session is back", limit) { await state() == "LOGGED_IN" }
  }

  /// Nobody reads `events` any more, which would keep the mount busy.
  func stopWatching() async { await events.killGroup() }

  /// Workers of the control plane that start when there is work for them first, each with a
  /// descriptor to be woken by; there is a bound to them.
  private static let lateWorkers = 4

  /// What holds at the end of every drill: the daemon lives, works, has given back what it took,
  /// and ends well.
  func finish(_ verdict: inout Verdict) async throws {
    try await waitUntilLoggedIn()
    let works = await shell("dd if=lun1 of=/dev/null bs=64k count=4 iflag=direct status=none")
    verdict.require(works.status == 0, "the LUN cannot be read at the end: \(works.value)")
    await stopWatching()
    var usage = DaemonUsage(mount.daemonID)
    _ = await eventually(.seconds(stage.scale.seconds(60, short: 10))) {
      usage = DaemonUsage(mount.daemonID)
      return usage.map { $0.descriptors <= baseline.descriptors + Self.lateWorkers } ?? true
    }
    guard let usage else { return verdict.fail("the daemon is gone") }
    let growth = (usage.residentKibibytes - baseline.residentKibibytes) / 1024
    verdict.note(
      "descriptors \(baseline.descriptors) then \(usage.descriptors), "
        + "\(usage.residentKibibytes / 1024) MiB resident (\(growth) more)", for: 6)
    verdict.require(
      usage.descriptors <= baseline.descriptors + Self.lateWorkers,
      "\(usage.descriptors) descriptors, \(baseline.descriptors) at the beginning")
    verdict.require(growth <= 32, "\(growth) MiB more are resident than at the beginning")
    verdict.require(
      usage.threads <= baseline.threads + Self.lateWorkers,
      "\(usage.threads) threads, \(baseline.threads) at the beginning")
    let start = MonotonicTime.now
    let unmounted = await mount.unmount()
    verdict.require(unmounted.status == 0, "umount: \(unmounted.value)")
    let status = await mount.waitForEnd(.seconds(15))
    verdict.require(status == 0, "the daemon ended with \(status.map { "\($0)" } ?? "nothing")")
    verdict.require(start.elapsed < .seconds(10), "the end took \(start.elapsed.text)")
  }
}
