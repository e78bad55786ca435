import FoundationEssentials
import Guest

/// Makes the guest every initiator runs in.
struct GuestBuilder {
  struct Result {
    let kernel: String
    let file: String
  }

  private let plan: Plan
  private let directory: String
  private let isTranslated: Bool

  /// - Parameter isTranslated: the guest has the address of the emulator's own network.
  init(_ plan: Plan, directory: String, isTranslated: Bool) {
    self.plan = plan
    self.directory = directory
    self.isTranslated = isTranslated
  }

  func build(say: (String) -> Void) throws(GuestError) -> Result {
    let host = try PackageStore(directory: plan.cache)
    say("fetching the guest's packages, where they are not in \(plan.cache)")
    let kernels = try PackageStore(directory: plan.cache, source: plan.kernelSource)
    let kernel = try KernelFiles(from: kernels)
    // Unpacked, not installed: open-iscsi would start a service here.
    let openISCSI = try host.closure(of: "open-iscsi") {
      ["libisns", "libopeniscsiusr", "libkmod", "libmount", "libblkid"].contains(
        where: $0.hasPrefix)
    }
    let roots = try host.unpacked(["busybox-static"] + openISCSI)
    guard let busybox = roots.first else { throw .failed("there is no busybox") }
    var image = try GuestImage(
      busybox: PackageStore.file(["bin/busybox", "usr/bin/busybox"], in: [busybox]),
      address: isTranslated ? "10.0.2.15/24" : "10.9.0.2/24")
    try image.addModules(
      ["virtio_pci", "virtio_net", "fuse"],
      optional: ["crc32c", "crc32c_generic", "crc32c_intel", "libcrc32c"], of: kernel)
    try image.addModules(["iscsi_tcp", "sd_mod"], of: kernel)
    try image.addProgram(
      PackageStore.file(["sbin/iscsistart", "usr/sbin/iscsistart"], in: roots),
      at: "sbin/iscsistart", roots: roots)
    try image.addProgram(plan.binary, at: "usr/bin/iscsifs")
    for name in ["fio", "qemu-storage-daemon"] {
      guard let path = Program.path(of: name) else { throw .missing(name) }
      try image.addProgram(path, at: "usr/bin/\(name)")
    }
    let block = "/usr/lib/x86_64-linux-gnu/qemu/block-iscsi.so"
    guard FileManager.default.fileExists(atPath: block) else {
      throw .missing("\(block) (package qemu-block-extra)")
    }
    try image.addProgram(block)
    let place = "\(directory)/initrd"
    try image.write(to: place)
    say("the guest's image is \(place), its kernel \(kernel.image)")
    return Result(kernel: kernel.image, file: place)
  }
}
