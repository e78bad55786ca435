package import Glibc
import LinuxIO
import Synchronization

/// A real istgt with a configuration and a TCP port of its own; killed by its id.
///
/// It has one logical unit section a target, whose LUNs share a block length.
package final class ISTGTDaemon: Resource {
  package struct Target: Sendable {
    package var name: String
    /// Files of so many mebibytes, LUN 0 first.
    package var mebibytes: [Int]
    package var blockSize: Int
    package var account: TargetDaemon.Account?
    /// Who the target is to initiators that challenge it: mutual CHAP.
    package var outgoing: TargetDaemon.Account?

    package init(
      name: String = "iqn.2026-11.org.iscsifs:istgt", mebibytes: [Int] = [64],
      blockSize: Int = 512, account: TargetDaemon.Account? = nil,
      outgoing: TargetDaemon.Account? = nil
    ) {
      self.name = name
      self.mebibytes = mebibytes
      self.blockSize = blockSize
      self.account = account
      self.outgoing = outgoing
    }
  }

  package let port: UInt16
  package let targets: [Target]
  private let lab: Lab
  private let guardsDiscovery: Bool
  private let directory: String
  private let process = Mutex<ManagedProcess?>(nil)

  package var address: String { "127.0.0.1:\(port)" }
  /// Its id while it runs, 0 before.
  package var processID: pid_t { process.withLock { $0?.processID ?? 0 } }

  /// Starts istgt and waits until it listens; the lab owns it.
  ///
  /// - Parameter guardsDiscovery: discovery wants the first target's accounts, both ways.
  package static func start(
    _ lab: Lab, _ targets: [Target] = [Target()], guardsDiscovery: Bool = false
  ) async throws -> ISTGTDaemon {
    let daemon = try ISTGTDaemon(lab, targets, guardsDiscovery: guardsDiscovery)
    lab.own(daemon)
    try await daemon.start()
    return daemon
  }

  private init(_ lab: Lab, _ targets: [Target], guardsDiscovery: Bool) throws {
    self.lab = lab
    self.guardsDiscovery = guardsDiscovery
    self.targets = targets
    directory = try lab.makeDirectory("istgt")
    port = try ListeningSocket(loopbackPort: 0, isIPv6: false).port
  }

  /// The file behind a LUN.
  package func backingFile(target: Int = 0, lun: Int = 0) -> String {
    "\(directory)/\(target).\(lun)"
  }

  package func end() async { await process.withLock(\.self)?.killGroup() }

  private func start() async throws {
    // Files are as long as their LUNs before it looks.
    let files = targets.indices.flatMap { target in
      targets[target].mebibytes.enumerated().map { lun, mebibytes in
        "truncate -s \(mebibytes)M \(backingFile(target: target, lun: lun))"
      }
    }
    let made = await lab.shell((["set -e"] + files).joined(separator: "\n"))
    guard made.status == 0 else {
      throw ManagedProcess.Failure(description: "istgt's files cannot be made: \(made)")
    }
    let path = try lab.write(configuration(authentication: lab.write(accounts)))
    let process = try ManagedProcess(
      ["istgt", "-D", "-q", "-c", path], output: lab.fresh("istgt.log"))
    self.process.withLock { $0 = process }
    // Asked of the kernel: a connection made only to see would be logged as an initiator's.
    let isUp = await eventually(.seconds(15)) {
      if process.status != nil { return true }
      let digits = String(port, radix: 16, uppercase: true)
      let zeros = String(repeating: "0", count: 4 - digits.count)
      let entry = "0100007F:\(zeros)\(digits) 00000000:0000 0A"
      return await lab.shell("grep -q '\(entry)' /proc/net/tcp").status == 0
    }
    guard isUp, process.status == nil else {
      throw ManagedProcess.Failure(description: "istgt does not run: \(process.output)")
    }
  }

  private var accounts: String {
    targets.enumerated().map { index, target in
      let words = [target.account, target.outgoing].compactMap(\.self)
        .map { "\"\($0.user)\" \"\($0.password)\"" }
      let line = words.isEmpty ? "" : "  Auth \(words.joined(separator: " "))\n"
      return "[AuthGroup\(index + 1)]\n\(line)"
    }.joined()
  }

  /// Everything that has a default which looks outside of the lab is said.
  private func configuration(authentication: String) -> String {
    var text = """
      [Global]
        NodeBase "iqn.2026-11.org.iscsifs"
        PidFile \(directory)/pid
        AuthFile \(authentication)
        MediaDirectory \(directory)
        LogFacility "local7"
        DiscoveryAuthMethod \(guardsDiscovery ? "CHAP" : "None")
        DiscoveryAuthGroup \(guardsDiscovery ? "AuthGroup1" : "None")
        Timeout 30
        NopInInterval 2
        MaxSessions 16
        MaxConnections 4
        MaxR2T 32
        MaxOutstandingR2T 16
        DefaultTime2Wait 2
        DefaultTime2Retain 60
        FirstBurstLength 262144
        MaxBurstLength 1048576
        MaxRecvDataSegmentLength 262144
        InitialR2T Yes
        ImmediateData Yes
        DataPDUInOrder Yes
        DataSequenceInOrder Yes
        ErrorRecoveryLevel 0
      [UnitControl]
        AuthMethod None
      [PortalGroup1]
        Portal DA1 \(address)
      [InitiatorGroup1]
        InitiatorName "ALL"
        Netmask 127.0.0.0/8

      """
    for (index, target) in targets.enumerated() {
      let method =
        target.outgoing != nil ? "CHAP Mutual" : target.account != nil ? "CHAP" : "None"
      text += """
        [LogicalUnit\(index + 1)]
          TargetName \(target.name)
          Mapping PortalGroup1 InitiatorGroup1
          AuthMethod \(method)
          AuthGroup AuthGroup\(index + 1)
          UseDigest Auto
          UnitType Disk
          BlockLength \(target.blockSize)
          QueueDepth 32

        """
      for (lun, mebibytes) in target.mebibytes.enumerated() {
        text += "  LUN\(lun) Storage \(backingFile(target: index, lun: lun)) \(mebibytes)MB\n"
      }
    }
    return text
  }
}
