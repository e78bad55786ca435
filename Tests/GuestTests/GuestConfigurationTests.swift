import Guest
import Testing

@Suite("A guest's machine")
struct GuestConfigurationTests {
  private func command(_ network: GuestConfiguration.Network) -> [String] {
    var configuration = GuestConfiguration(kernel: "/k", image: "/i", network: network)
    configuration.kernelArguments = "quiet2"
    configuration.countsInstructions = true
    configuration.prefix = ["ip", "netns", "exec", "n"]
    configuration.arguments = ["-m", "2048"]
    return configuration.command(consoleFile: "/c")
  }

  @Test("has the parts asked for, and runs where it is told to")
  func parts() {
    let words = command(.tap("tap0"))
    #expect(words.starts(with: ["ip", "netns", "exec", "n", "qemu-system-x86_64"]))
    #expect(words.suffix(2) == ["-m", "2048"])
    for pair in [
      ["-icount", "shift=0,sleep=on"], ["-kernel", "/k"], ["-initrd", "/i"],
      ["-append", "console=ttyS0 quiet panic=-1 quiet2"], ["-serial", "file:/c"],
      ["-netdev", "tap,id=net,ifname=tap0,script=no,downscript=no,vnet_hdr=on"],
    ] {
      #expect(words.contains(pair), "\(pair)")
    }
  }

  @Test("forwards ports of the loopback where it has no tap device")
  func forwards() {
    let words = command(
      .user(forwards: [
        PortForward(host: 4000, guest: 3260),
        PortForward(host: 4001, guest: 4001, address: "127.0.0.1"),
      ]))
    #expect(
      words.contains([
        "-netdev",
        "user,id=net,hostfwd=tcp:127.0.0.1:4000-:3260"
          + ",hostfwd=tcp:127.0.0.1:4001-127.0.0.1:4001",
      ]))
  }
}
