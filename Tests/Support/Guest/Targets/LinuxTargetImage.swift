/// A guest's file system with Linux's own iSCSI target, files behind its LUNs.
package enum LinuxTargetImage {
  /// Where the guest has its targets, once `beginning` has run.
  package static let root = "/sys/kernel/config/target"

  /// What the guest runs before it gets a target.
  ///
  /// The portal is the guest's loopback, as it is the host's: what SendTargets names is then right
  /// outside as well. Its packets come by the card.
  package static let beginning = """
    set -e
    echo 1 >/proc/sys/net/ipv4/conf/all/route_localnet
    mount -t configfs configfs /sys/kernel/config
    mkdir \(root)/iscsi \(root)/core/fileio_0
    """

  /// Builds it of Debian's packages, which are kept in `cache`.
  package static func build(_ image: String, cache: String) throws(GuestError) -> KernelFiles {
    let store = try PackageStore(directory: cache)
    let kernel = try KernelFiles(from: store)
    let roots = try store.unpacked(["busybox-static"])
    var guest = try GuestImage(
      busybox: PackageStore.file(["bin/busybox", "usr/bin/busybox"], in: roots),
      address: "10.0.2.15/24")
    // Nothing in the guest could load what a module asks for later.
    try guest.addModules(
      ["virtio_pci", "virtio_net"],
      optional: [
        "crc32c", "crc32c_generic", "crc32c_intel", "libcrc32c", "md5", "sha1_generic",
        "sha256_generic", "sha3_generic",
      ], of: kernel)
    try guest.addModules(["target_core_mod", "target_core_file", "iscsi_target_mod"], of: kernel)
    try guest.write(to: image)
    return kernel
  }
}
