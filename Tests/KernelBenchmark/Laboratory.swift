import FoundationEssentials
import Glibc
import Guest
import LinuxIO

/// The target, the network and the guest of one comparison, ended together.
final class Laboratory {
  let machine: GuestMachine
  let portal: Portal
  /// How the guest reaches the target, in words.
  let network: String
  private let target: TargetDaemon
  private let namespace: NetworkNamespace?

  /// Starts everything.
  ///
  /// - Parameter directory: for the image and the logs.
  init(
    _ plan: Plan, directory: String, say: @escaping (String) -> Void
  ) throws(GuestError) {
    // SAFETY: the path is a literal for the call.
    let hasTun = unsafe access("/dev/net/tun", R_OK | W_OK) == 0
    let isTapped = hasTun && !plan.isUserNetworkWanted
    let image = try GuestBuilder(plan, directory: directory, isTranslated: !isTapped)
      .build(say: say)
    // Control ports are numbers all tgtd of this machine share.
    let control = plan.controlPort ?? 10_000 + Int(getpid()) % 20_000
    let log = "\(directory)/tgtd.log"
    try? FileManager.default.removeItem(atPath: log)
    var configuration = GuestConfiguration(
      kernel: image.kernel, image: image.file,
      network: isTapped ? .tap("tap0") : .user(forwards: []))
    // Without ERMS and FSRM a copy of strings counts a step for eight bytes, not for each.
    configuration.processor = "max,erms=off,fsrm=off"
    configuration.countsInstructions = true
    if isTapped {
      let namespace = try NetworkNamespace()
      try namespace.addTap("tap0", address: "10.9.0.1/24")
      portal = Portal(
        address: "10.9.0.1", port: 3260, target: TargetDaemon.target, isAnnounced: true)
      target = try TargetDaemon(
        listening: portal.description, controlPort: control, prefix: namespace.command([]),
        parameters: plan.targetParameters, log: log)
      configuration.prefix = namespace.command([])
      self.namespace = namespace
      network = "virtio-net on a tap device with its offloads"
    } else {
      let port = try Self.freePort()
      portal = Portal(
        address: "10.0.2.2", port: port, target: TargetDaemon.target, isAnnounced: false)
      target = try TargetDaemon(
        listening: "127.0.0.1:\(port)", controlPort: control, prefix: [],
        parameters: plan.targetParameters, log: log)
      namespace = nil
      network =
        "virtio-net on the emulator's own network, without offloads"
        + (hasTun ? "" : ": there is no /dev/net/tun")
    }
    say("starting the guest on \(network)")
    machine = try GuestMachine(configuration, directory: directory) { say("guest console: \($0)") }
  }

  /// Ends the machine, the target and the network, each by what it is known by.
  func end() {
    machine.end()
    target.end()
    namespace?.end()
  }

  private static func freePort() throws(GuestError) -> UInt16 {
    do {
      return try ListeningSocket(loopbackPort: 0, isIPv6: false).port
    } catch {
      throw .failed("there is no free port: \(error)")
    }
  }
}
