import FoundationEssentials
import Glibc
import Guest

/// What this machine has to have for a comparison.
enum Requirement {
  /// What is not there, in words for the end of a sentence; empty when everything is.
  static func missing(binary: String) -> String {
    var missing: [String] = []
    if geteuid() != 0 { missing.append("root") }
    for (program, package) in [
      ("qemu-system-x86_64", "qemu-system-x86"), ("qemu-storage-daemon", "qemu-system-common"),
      ("tgtd", "tgt"), ("tgtadm", "tgt"), ("fio", "fio"), ("ip", "iproute2"), ("xz", "xz-utils"),
      ("ldd", "libc-bin"), ("setpriv", "util-linux"), ("apt-get", "apt"), ("dpkg", "dpkg"),
    ] where Program.path(of: program) == nil {
      missing.append("\(program) (package \(package))")
    }
    if !FileManager.default.isExecutableFile(atPath: binary) {
      missing.append("\(binary) (make build)")
    }
    return missing.joined(separator: ", ")
  }
}
