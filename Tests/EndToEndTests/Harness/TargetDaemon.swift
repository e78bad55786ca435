import LinuxIO
import Synchronization
import Testing

/// A real tgtd with a control port and a TCP port of its own; killed by its id.
final class TargetDaemon: Resource {
  /// One LUN with its backing file.
  struct Unit: Sendable {
    var lun: Int
    var mebibytes = 64
    var blockSize = 512
  }

  struct Account: Sendable {
    var user: String
    var password: String
  }

  struct Target: Sendable {
    var name = "iqn.2026-11.org.iscsifs:tgt"
    var units = [Unit(lun: 1)]
    var account: Account?
    /// Negotiation keys by their iSCSI names.
    var parameters: [(key: String, value: String)] = []
  }

  let port: UInt16
  let targets: [Target]
  private let lab: Lab
  private let directory: String
  private let control: UInt16
  private let process = Mutex<ManagedProcess?>(nil)

  var address: String { "127.0.0.1:\(port)" }

  /// Starts tgtd and sets its targets up; the lab owns it.
  static func start(_ lab: Lab, _ targets: [Target] = [Target()]) async throws -> TargetDaemon {
    let daemon = try TargetDaemon(lab, targets)
    lab.own(daemon)
    try await daemon.start()
    return daemon
  }

  private init(_ lab: Lab, _ targets: [Target]) throws {
    self.lab = lab
    self.targets = targets
    directory = try lab.makeDirectory("tgt")
    // The kernel's choice of a free port; the control port is a number of ours alone as well.
    let socket = try ListeningSocket(loopbackPort: 0, isIPv6: false)
    port = socket.port
    control = port / 2
  }

  /// The file behind a LUN.
  func backingFile(target: Int = 0, lun: Int = 1) -> String { "\(directory)/\(target).\(lun)" }

  /// Starts (again) with the same port, targets and files.
  func start() async throws {
    let process = try ManagedProcess(
      [
        "tgtd", "-f", "-C", "\(control)", "--iscsi", "portal=127.0.0.1:\(port)",
      ], output: lab.fresh("tgtd.log"))
    self.process.withLock { $0 = process }
    let isUp = await eventually(.seconds(15)) {
      await administer("--op show --mode system").status == 0 || process.status != nil
    }
    guard isUp, process.status == nil else {
      throw ManagedProcess.Failure(description: "tgtd does not run: \(process.output)")
    }
    let result = await lab.shell("set -e\n" + setup)
    guard result.status == 0 else {
      throw ManagedProcess.Failure(description: "tgtd is not set up: \(result)")
    }
  }

  /// SIGKILL, as a crash: connections are reset, the port is closed.
  func kill() async {
    await process.withLock(\.self)?.killGroup()
  }

  func signal(_ number: Int32) {
    process.withLock(\.self)?.signal(number)
  }

  /// Initiators that are logged in to any target.
  func sessionCount() async -> Int {
    await administer("--op show --mode target").lines.count { $0.contains("Initiator:") }
  }

  func administer(_ arguments: String) async -> ShellResult {
    await lab.shell("tgtadm -C \(control) --lld iscsi " + arguments)
  }

  func end() async {
    await kill()
    _ = await lab.shell("rm -f /var/run/tgtd.ipc_abstract_namespace.\(control)*")
  }

  private var setup: String {
    var lines: [String] = []
    let admin = "tgtadm -C \(control) --lld iscsi"
    for (index, target) in targets.enumerated() {
      let tid = index + 1
      lines.append("\(admin) --op new --mode target --tid \(tid) -T \(target.name)")
      for unit in target.units {
        let file = backingFile(target: index, lun: unit.lun)
        lines.append("[ -e \(file) ] || truncate -s \(unit.mebibytes)M \(file)")
        lines.append(
          "\(admin) --op new --mode logicalunit --tid \(tid) --lun \(unit.lun) -b \(file)"
            + " --blocksize \(unit.blockSize)")
      }
      for (key, value) in target.parameters {
        lines.append("\(admin) --op update --mode target --tid \(tid) -n \(key) -v \(value)")
      }
      if let account = target.account {
        lines.append(
          "\(admin) --op new --mode account --user \(account.user) --password \(account.password)")
        lines.append("\(admin) --op bind --mode account --tid \(tid) --user \(account.user)")
      }
      lines.append("\(admin) --op bind --mode target --tid \(tid) -I ALL")
    }
    return lines.joined(separator: "\n")
  }
}
