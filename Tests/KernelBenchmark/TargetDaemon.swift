import Glibc
import Guest

/// A tgtd of our own with one LUN that stores nothing, killed by its id.
final class TargetDaemon {
  static let target = "iqn.2026-11.org.iscsifs:null"

  private let process: OwnedProcess
  private let control: String
  private let prefix: [String]

  /// - Parameters:
  ///   - prefix: runs it somewhere, as in a namespace.
  ///   - parameters: "KEY=VALUE", what the target negotiates beside its own defaults.
  init(
    listening portal: String, controlPort: Int, prefix: [String], parameters: [String],
    log: String
  ) throws(GuestError) {
    self.prefix = prefix
    control = "\(controlPort)"
    process = try OwnedProcess(
      prefix + ["tgtd", "-f", "-C", control, "--iscsi", "portal=\(portal)"],
      output: .file(log), error: .file(log))
    let deadline = ContinuousClock.now.advanced(by: .seconds(15))
    while try !isUp() {
      try Interruption.check()
      guard process.status == nil, ContinuousClock.now < deadline else {
        process.kill()
        throw .failed("tgtd does not run; see \(log)")
      }
      usleep(50_000)
    }
    let name = ["--mode", "target", "--tid", "1"]
    try administer(["--op", "new"] + name + ["-T", Self.target])
    try administer(
      ["--op", "new", "--mode", "logicalunit", "--tid", "1", "--lun", "1"]
        + ["--bstype", "null", "-b", "/dev/null"])
    for parameter in parameters {
      let parts = parameter.split(separator: "=", maxSplits: 1).map(String.init)
      guard parts.count == 2 else { throw .failed("\(parameter) is not KEY=VALUE") }
      try administer(["--op", "update"] + name + ["-n", parts[0], "-v", parts[1]])
    }
    try administer(["--op", "bind"] + name + ["-I", "ALL"])
  }

  deinit { end() }

  /// It ignores SIGTERM while it has targets; its sockets' files stay behind.
  func end() {
    process.kill()
    let files = "/var/run/tgtd/socket.\(control)"
    // SAFETY: the paths are C strings for the calls.
    for path in [files, files + ".lock"] { _ = unsafe unlink(path) }
  }

  private func isUp() throws(GuestError) -> Bool {
    try Program.run(command(["--op", "show", "--mode", "system"])).status == 0
  }

  private func administer(_ arguments: [String]) throws(GuestError) {
    try Program.require(command(arguments))
  }

  private func command(_ arguments: [String]) -> [String] {
    prefix + ["tgtadm", "-C", control, "--lld", "iscsi"] + arguments
  }
}
