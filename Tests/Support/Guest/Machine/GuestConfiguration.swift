/// What a guest's machine is made of.
package struct GuestConfiguration: Sendable {
  /// How the guest's network card is wired.
  package enum Network: Equatable, Sendable {
    /// A tap device of the namespace the machine runs in, with its offloads.
    case tap(String)
    /// The emulator's own network, which needs no privilege: the guest is 10.0.2.15, the host's
    /// loopback is 10.0.2.2, and ports of the host's loopback lead to ports of the guest.
    case user(forwards: [PortForward])

    fileprivate var argument: String {
      switch self {
      case .tap(let name): "tap,id=net,ifname=\(name),script=no,downscript=no,vnet_hdr=on"
      case .user(let forwards):
        forwards.reduce("user,id=net") {
          $0 + ",hostfwd=tcp:127.0.0.1:\($1.host)-\($1.address):\($1.guest)"
        }
      }
    }
  }

  package var kernel: String
  package var image: String
  package var network: Network
  package var mebibytes = 1024
  /// A model and its features.
  package var processor = "max"
  /// The guest's clock counts instructions, one nanosecond each, and real time while it idles:
  /// what it takes of its processor's time is then a number of instructions.
  package var countsInstructions = false
  /// More words for the kernel.
  package var kernelArguments = ""
  /// More arguments for the emulator: further cards, disks, ports.
  package var arguments: [String] = []
  /// Put before the emulator, as `ip netns exec NAME`.
  package var prefix: [String] = []

  package init(kernel: String, image: String, network: Network) {
    self.kernel = kernel
    self.image = image
    self.network = network
  }

  /// The whole command: the console goes to a file, the control channel is the standard streams.
  package func command(consoleFile: String) -> [String] {
    var words = prefix + ["qemu-system-x86_64", "-accel", "tcg"]
    if countsInstructions { words += ["-icount", "shift=0,sleep=on"] }
    words += [
      "-m", "\(mebibytes)", "-cpu", processor, "-smp", "1", "-nodefaults", "-no-user-config",
      "-display", "none", "-no-reboot", "-kernel", kernel, "-initrd", image, "-append",
      "console=ttyS0 quiet panic=-1" + (kernelArguments.isEmpty ? "" : " " + kernelArguments),
      "-serial", "file:\(consoleFile)", "-chardev", "stdio,id=control,signal=off", "-serial",
      "chardev:control", "-netdev", network.argument, "-device",
      "virtio-net-pci,netdev=net,romfile=",
    ]
    return words + arguments
  }
}
