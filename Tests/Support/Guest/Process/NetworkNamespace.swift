import FoundationEssentials
import Glibc

/// A network of our own, with nothing in it but what we put there; gone when nobody holds it.
///
/// Needs root and iproute2. Belongs to one thread.
package final class NetworkNamespace {
  private static let prefix = "iscsifs-guest-"

  /// "iscsifs-guest-4711", after this process.
  package let name: String

  /// Makes the namespace with its loopback up, and removes those of processes that are no more.
  package init() throws(GuestError) {
    name = "\(Self.prefix)\(getpid())"
    for name in (try? FileManager.default.contentsOfDirectory(atPath: "/run/netns")) ?? [] {
      guard name.hasPrefix(Self.prefix), let owner = Int(name.dropFirst(Self.prefix.count)),
        !FileManager.default.fileExists(atPath: "/proc/\(owner)")
      else { continue }
      _ = try Program.run(["ip", "netns", "delete", name])
    }
    try Program.require(["ip", "netns", "add", name])
    try Program.require(command(["ip", "link", "set", "lo", "up"]))
  }

  deinit { end() }

  /// What runs `arguments` in the namespace.
  package func command(_ arguments: [String]) -> [String] {
    ["ip", "netns", "exec", name] + arguments
  }

  /// Adds a tap device that an emulator can take.
  ///
  /// - Parameter address: this end's, with a prefix length.
  package func addTap(_ device: String, address: String) throws(GuestError) {
    // SAFETY: the path is a literal for the call.
    guard unsafe access("/dev/net/tun", R_OK | W_OK) == 0 else { throw .missing("/dev/net/tun") }
    let script = """
      ip tuntap add \(device) mode tap vnet_hdr && ip addr add \(address) dev \(device) \
      && ip link set \(device) up
      """
    try Program.require(command(["sh", "-c", script]))
  }

  /// Removes it; what still runs inside keeps its network until it ends.
  package func end() {
    // A wish to end now must not keep us from cleaning up.
    guard
      let process = try? OwnedProcess(
        ["ip", "netns", "delete", name], output: .null, error: .null)
    else { return }
    _ = process.wait(.seconds(10))
  }
}
