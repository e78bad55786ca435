import FoundationEssentials
import Guest
import Lab
import LinuxIO

/// Linux's own target in a small guest, with one LUN that writes through, in the guest's memory.
@MainActor
final class LinuxGuest: Resource {
  nonisolated let port: UInt16
  /// "Linux 6.1.0".
  nonisolated let title: String
  private let machine: GuestMachine

  private nonisolated static let name = "iqn.2026-11.org.iscsifs:lio"
  private nonisolated static let group = "\(LinuxTargetImage.root)/iscsi/\(name)/tpgt_1"

  nonisolated var targetName: String { Self.name }

  private init(_ machine: GuestMachine, port: UInt16, title: String) {
    self.machine = machine
    self.port = port
    self.title = title
  }

  /// Builds and boots it; the lab owns it.
  static func start(_ stage: Stage, cache: String, mebibytes: Int) async throws -> LinuxGuest {
    try FileManager.default.createDirectory(atPath: cache, withIntermediateDirectories: true)
    let directory = try stage.lab.makeDirectory("guest")
    let port = try ListeningSocket(loopbackPort: 0, isIPv6: false).port
    let image = "\(directory)/initrd"
    let kernel = try LinuxTargetImage.build(image, cache: cache)
    stage.say("  booting Linux \(kernel.release)")
    var configuration = GuestConfiguration(
      kernel: kernel.image, image: image,
      network: .user(forwards: [PortForward(host: port, guest: port, address: "127.0.0.1")]))
    configuration.mebibytes = 512 + 2 * mebibytes
    let guest = LinuxGuest(
      try GuestMachine(configuration, directory: directory), port: port,
      title: "Linux \(kernel.release)")
    stage.lab.own(guest)
    try guest.machine.require(LinuxTargetImage.beginning)
    try guest.machine.require(
      """
      set -e
      G=\(Self.group) D=\(LinuxTargetImage.root)/core/fileio_0/disk
      mkdir -p $G $D
      echo fd_dev_name=/run/disk,fd_dev_size=\(mebibytes << 20) >$D/control
      echo disk >$D/wwn/vpd_unit_serial
      echo 1 >$D/enable
      echo 1 >$G/attrib/generate_node_acls
      echo 1 >$G/attrib/cache_dynamic_acls
      echo 0 >$G/attrib/demo_mode_write_protect
      echo 0 >$G/attrib/authentication
      mkdir $G/lun/lun_1
      ln -s $D $G/lun/lun_1/disk
      """)
    try guest.present()
    return guest
  }

  /// Takes the portal away and ends every session.
  func withdraw() throws {
    try machine.require(
      "rmdir \(Self.group)/np/127.0.0.1:\(port) && echo 0 >\(Self.group)/enable")
  }

  /// Is there (again).
  func present() throws {
    try machine.require(
      "echo 1 >\(Self.group)/enable && mkdir \(Self.group)/np/127.0.0.1:\(port)")
  }

  func end() async { machine.end() }
}
