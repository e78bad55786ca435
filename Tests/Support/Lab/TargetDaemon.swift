package import Glibc
import LinuxIO
import Synchronization

/// A real tgtd with a control port and a TCP port of its own; killed by its id.
package final class TargetDaemon: Resource {
  /// Where a LUN's bytes are.
  package enum Backing: Sendable {
    /// A sparse file in the lab's directory.
    case file
    /// A file that is there.
    case path(String)
    /// Nowhere: reads are zeros, writes are forgotten, and the LUN has a tebibyte of them.
    case null
  }

  /// One LUN.
  package struct Unit: Sendable {
    package var lun: Int
    package var mebibytes: Int
    package var blockSize: Int
    package var backing: Backing
    /// Thin provisioning: what is unmapped is punched out of the backing file.
    package var isThin: Bool
    /// Whether it tells of a volatile write cache, as tgt's units do by default.
    package var hasWriteCache: Bool

    package init(
      lun: Int, mebibytes: Int = 64, blockSize: Int = 512, backing: Backing = .file,
      isThin: Bool = false, hasWriteCache: Bool = true
    ) {
      self.isThin = isThin
      self.hasWriteCache = hasWriteCache
      self.lun = lun
      self.mebibytes = mebibytes
      self.blockSize = blockSize
      self.backing = backing
    }
  }

  package struct Account: Equatable, Sendable {
    package var user: String
    package var password: String

    package init(user: String, password: String) {
      self.user = user
      self.password = password
    }
  }

  package struct Target: Sendable {
    package var name: String
    package var units: [Unit]
    package var account: Account?
    /// Who the target is to initiators that challenge it: mutual CHAP.
    package var outgoing: Account?
    /// Negotiation keys by their iSCSI names.
    package var parameters: [(key: String, value: String)]

    package init(
      name: String = "iqn.2026-11.org.iscsifs:tgt", units: [Unit] = [Unit(lun: 1)],
      account: Account? = nil, outgoing: Account? = nil,
      parameters: [(key: String, value: String)] = []
    ) {
      self.name = name
      self.units = units
      self.account = account
      self.outgoing = outgoing
      self.parameters = parameters
    }
  }

  package let port: UInt16
  package let targets: [Target]
  private let lab: Lab
  private let directory: String
  private let control: UInt16
  private let process = Mutex<ManagedProcess?>(nil)

  /// Its id while it runs, 0 before.
  package var processID: pid_t { process.withLock { $0?.processID ?? 0 } }
  package var isRunning: Bool { process.withLock { $0.map { $0.status == nil } ?? false } }
  package var address: String { "127.0.0.1:\(port)" }

  /// Starts tgtd and sets its targets up; the lab owns it.
  package static func start(_ lab: Lab, _ targets: [Target] = [Target()]) async throws
    -> TargetDaemon
  {
    let daemon = try TargetDaemon(lab, targets)
    lab.own(daemon)
    try await daemon.start()
    return daemon
  }

  private static let cachingPageWithoutWriteCache =
    "8:0:18:0x10:0:0xff:0xff:0:0:0xff:0xff:0xff:0xff:0x80:0x14:0:0:0:0:0:0"

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
  package func backingFile(target: Int = 0, lun: Int = 1) -> String {
    "\(directory)/\(target).\(lun)"
  }

  /// Starts (again) with the same port, targets and files.
  package func start() async throws {
    let process = try ManagedProcess(
      [
        "tgtd", "-f", "-C", "\(control)", "--iscsi", "portal=\(waitingPortal)",
      ], output: lab.fresh("tgtd.log"), environment: environment)
    self.process.withLock { $0 = process }
    let isUp = await eventually(.seconds(15)) {
      await administer("--op show --mode system").status == 0 || process.status != nil
    }
    guard isUp, process.status == nil else {
      throw ManagedProcess.Failure(description: "tgtd does not run: \(process.output)")
    }
    let result = await lab.shell("set -e\n" + setup, environment: environment)
    guard result.status == 0 else {
      throw ManagedProcess.Failure(description: "tgtd is not set up: \(result)")
    }
  }

  /// SIGKILL, as a crash: connections are reset, the port is closed.
  package func kill() async {
    await process.withLock(\.self)?.killGroup()
  }

  package func signal(_ number: Int32) {
    process.withLock(\.self)?.signal(number)
  }

  /// Initiators that are logged in to any target.
  package func sessionCount() async -> Int {
    await administer("--op show --mode target").lines.count { $0.contains("Initiator:") }
  }

  package func administer(_ arguments: String) async -> ShellResult {
    await lab.shell("tgtadm -C \(control) --lld iscsi " + arguments, environment: environment)
  }

  package func end() async { await kill() }

  /// Where tgtadm finds it: in the lab's directory, which goes with the lab and needs no root.
  private var environment: [String: String] { ["TGT_IPC_SOCKET": "\(directory)/control"] }

  /// Where it listens until it has its targets: one that came back without them would refuse an
  /// initiator for good, which then stays away for half a minute.
  private var waitingPortal: String { "127.0.0.2:\(port)" }

  /// tgt keeps accounts apart from the targets that share them.
  private var accounts: [Account] {
    var accounts: [Account] = []
    for account in targets.flatMap({ [$0.account, $0.outgoing].compactMap(\.self) })
    where !accounts.contains(account) {
      accounts.append(account)
    }
    return accounts
  }

  private var setup: String {
    let admin = "tgtadm -C \(control) --lld iscsi"
    var lines = accounts.map {
      "\(admin) --op new --mode account --user \($0.user) --password \($0.password)"
    }
    for (index, target) in targets.enumerated() {
      let tid = index + 1
      lines.append("\(admin) --op new --mode target --tid \(tid) -T \(target.name)")
      for unit in target.units {
        let store =
          switch unit.backing {
          case .file: "-b \(backingFile(target: index, lun: unit.lun))"
          case .path(let path): "-b \(path)"
          case .null: "--bstype null -b none"
          }
        if case .file = unit.backing {
          let file = backingFile(target: index, lun: unit.lun)
          lines.append("[ -e \(file) ] || truncate -s \(unit.mebibytes)M \(file)")
        }
        lines.append(
          "\(admin) --op new --mode logicalunit --tid \(tid) --lun \(unit.lun) \(store)"
            + " --blocksize \(unit.blockSize)")
        let update = "\(admin) --op update --mode logicalunit --tid \(tid) --lun \(unit.lun)"
        if unit.isThin { lines.append("\(update) --params thin_provisioning=1") }
        if !unit.hasWriteCache {
          // The caching page as tgt has it, but for WCE (SBC-3, 6.4.5).
          lines.append("\(update) --params mode_page=\(Self.cachingPageWithoutWriteCache)")
        }
      }
      for (key, value) in target.parameters {
        lines.append("\(admin) --op update --mode target --tid \(tid) -n \(key) -v \(value)")
      }
      let bind = "\(admin) --op bind --mode account --tid \(tid) --user"
      if let account = target.account { lines.append("\(bind) \(account.user)") }
      if let account = target.outgoing { lines.append("\(bind) \(account.user) --outgoing") }
      lines.append("\(admin) --op bind --mode target --tid \(tid) -I ALL")
    }
    lines.append("\(admin) --op new --mode portal --param portal=\(address)")
    lines.append("\(admin) --op delete --mode portal --param portal=\(waitingPortal)")
    return lines.joined(separator: "\n")
  }
}
