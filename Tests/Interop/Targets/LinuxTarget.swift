import FoundationEssentials
import Guest
import Lab
import LinuxIO

/// Linux's own target in a small guest, reached at the address it announces.
@MainActor
final class LinuxTarget: Resource {
  private let machine: GuestMachine

  private init(_ machine: GuestMachine) { self.machine = machine }

  /// Builds the guest of Debian's packages, boots it and sets its targets up; the lab owns it.
  ///
  /// - Parameter cache: where packages are kept.
  static func start(
    _ lab: Lab, mebibytes: Int, cache: String, say: @escaping @MainActor (String) -> Void
  ) async throws -> TargetUnderTest {
    try FileManager.default.createDirectory(atPath: cache, withIntermediateDirectories: true)
    let directory = try lab.makeDirectory("guest")
    let port = try ListeningSocket(loopbackPort: 0, isIPv6: false).port
    let image = "\(directory)/initrd"
    let kernel = try LinuxTargetImage.build(image, cache: cache)
    say("  booting Linux \(kernel.release)")
    var configuration = GuestConfiguration(
      kernel: kernel.image, image: image,
      network: .user(forwards: [PortForward(host: port, guest: port, address: "127.0.0.1")]))
    configuration.mebibytes = 512 + 4 * mebibytes
    let target = LinuxTarget(try GuestMachine(configuration, directory: directory))
    lab.own(target)
    let nodes = nodes(mebibytes: mebibytes)
    try target.machine.require(LinuxTargetImage.beginning)
    for (node, account, outgoing) in [
      (nodes[0], nil, nil), (nodes[1], Credentials.initiator, nil),
      (nodes[2], Credentials.initiator, Credentials.target),
    ] {
      try target.machine.require(script(node, account, outgoing, port: port))
    }
    let tested = nodes.map { node in
      TargetUnderTest.Node(
        name: node.name, units: node.units,
        checksum: { lun in try await target.checksum(node.name, lun) })
    }
    return TargetUnderTest(
      title: "Linux \(kernel.release) (LIO)",
      settings: parameters.map { "\($0)=\($1)" }.joined(separator: ", ")
        + "; where it wants CHAP, nothing",
      port: port, open: tested[0], authenticating: tested[1], mutual: tested[2],
      // Its log then: "datain.length: 4096 exceeds cmd->data_length: 24".
      limits: [.anyOrder: "it closes the connection over an answer shorter than asked for"],
      // iscsit_free_cmd of the request, in target_release_cmd_kref, where its connection ends.
      spared: [.reassignment: "its kernel dies of a TASK REASSIGN; leave ERL below 2 there"],
      guardDiscovery: {
        try await target.guardDiscovery()
        return port
      },
      // nopin_timeout is 15 s, and no other for initiators it meets for the first time.
      idleSeconds: 20, sessionCount: { try await target.sessionCount() })
  }

  func end() async { machine.end() }

  private func checksum(_ name: String, _ lun: Int) throws -> String {
    let output = try machine.require("md5sum <\(Self.file(name, lun))")
    return String(output.prefix { $0 != " " })
  }

  private func sessionCount() throws -> Int {
    let output = try machine.require(
      "cat \(Self.root)/iscsi/iqn.*/tpgt_1/dynamic_sessions | tr -d '\\0' | wc -w")
    guard let count = Int(output) else { throw InteropFailure("sessions: \(output)") }
    return count
  }

  private func guardDiscovery() throws {
    try machine.require(
      """
      set -e
      cd \(Self.root)/iscsi/discovery_auth
      echo -n \(Credentials.initiator.user) >userid
      echo -n \(Credentials.initiator.password) >password
      echo -n \(Credentials.target.user) >userid_mutual
      echo -n \(Credentials.target.password) >password_mutual
      echo 1 >enforce_discovery_auth
      """)
  }

  // MARK: Scripts of the guest

  private static let root = LinuxTargetImage.root

  private static func file(_ name: String, _ lun: Int) -> String {
    "/run/\(name.split(separator: ":").last ?? "").\(lun)"
  }

  private static func nodes(mebibytes: Int) -> [(name: String, units: [TargetUnderTest.Unit])] {
    [
      (
        TargetKind.name("open"),
        [(0, 512), (5, 4096)].map {
          TargetUnderTest.Unit(lun: $0, mebibytes: mebibytes, blockSize: $1)
        }
      ),
      (TargetKind.name("chap"), [TargetUnderTest.Unit(lun: 0, mebibytes: 1, blockSize: 512)]),
      (TargetKind.name("mutual"), [TargetUnderTest.Unit(lun: 0, mebibytes: 1, blockSize: 512)]),
    ]
  }

  /// What the target that lets everybody in is told; the others keep their defaults.
  private static let parameters = [
    ("MaxConnections", "8"), ("InitialR2T", "No"), ("FirstBurstLength", "262144"),
    ("MaxBurstLength", "16776192"),
    ("MaxOutstandingR2T", "8"), ("MaxRecvDataSegmentLength", "1048576"),
    ("DataPDUInOrder", "No"), ("DataSequenceInOrder", "No"), ("ErrorRecoveryLevel", "2"),
  ]

  private static func script(
    _ node: (name: String, units: [TargetUnderTest.Unit]), _ account: TargetDaemon.Account?,
    _ outgoing: TargetDaemon.Account?, port: UInt16
  ) -> String {
    var lines = [
      "set -e", "G=\(root)/iscsi/\(node.name)/tpgt_1", "mkdir -p $G",
      "echo 1 >$G/attrib/generate_node_acls", "echo 1 >$G/attrib/cache_dynamic_acls",
      "echo 0 >$G/attrib/demo_mode_write_protect",
      "echo \(account == nil ? 0 : 1) >$G/attrib/authentication",
    ]
    if let account {
      lines.append("echo CHAP >$G/param/AuthMethod")
      lines.append("echo -n \(account.user) >$G/auth/userid")
      lines.append("echo -n \(account.password) >$G/auth/password")
    } else {
      lines.append("echo 2 >$G/attrib/default_erl")
      lines += parameters.map { "echo \($1) >$G/param/\($0)" }
    }
    if let outgoing {
      lines.append("echo -n \(outgoing.user) >$G/auth/userid_mutual")
      lines.append("echo -n \(outgoing.password) >$G/auth/password_mutual")
    }
    for unit in node.units {
      let file = file(node.name, unit.lun)
      let name = file.split(separator: "/").last ?? ""
      lines += [
        "D=\(root)/core/fileio_0/\(name)", "mkdir $D",
        "echo fd_dev_name=\(file),fd_dev_size=\(unit.byteCount) >$D/control",
        "echo \(name) >$D/wwn/vpd_unit_serial", "echo 1 >$D/enable",
        "echo \(unit.blockSize) >$D/attrib/block_size",
        "mkdir $G/lun/lun_\(unit.lun)", "ln -s $D $G/lun/lun_\(unit.lun)/\(name)",
      ]
    }
    lines += ["mkdir $G/np/127.0.0.1:\(port)", "echo 1 >$G/enable"]
    return lines.joined(separator: "\n")
  }
}
