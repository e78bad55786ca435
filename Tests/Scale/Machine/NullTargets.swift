import Glibc

/// A tgtd with targets of one LUN each that reads zeros: the target costs as little as it can.
struct NullTargets {
  let address: String
  private let child: Child
  private let control: Int

  init(_ bench: ScaleBench, count: Int) throws {
    address = "127.0.0.1:\(bench.port)"
    control = bench.control
    child = try Child(
      ["tgtd", "-f", "-C", "\(control)", "--iscsi", "portal=\(address)"],
      output: bench.directory + "/tgtd.log")
    do {
      try waitUntilUp()
      for index in 1...count {
        let target = ["--tid", "\(index)"]
        try administer(
          ["--op", "new", "--mode", "target", "-T", "iqn.2026-11.org.iscsifs:null.\(index)"]
            + target)
        try administer(
          ["--op", "new", "--mode", "logicalunit", "--lun", "1", "--bstype", "null"]
            + ["-b", "/dev/null"] + target)
        try administer(["--op", "bind", "--mode", "target", "-I", "ALL"] + target)
      }
    } catch {
      end()
      throw error
    }
  }

  /// SIGKILL: tgtd ignores every other signal while it has targets.
  func end() {
    kill(child.processID, SIGKILL)
    _ = child.wait()
  }

  private func waitUntilUp() throws {
    for _ in 0..<100 {
      if (try? administer(["--op", "show", "--mode", "system"])) != nil { return }
      usleep(50_000)
    }
    throw ScaleBench.Failure(description: "tgtd does not answer (package tgt)")
  }

  private func administer(_ arguments: [String]) throws {
    try Child.run(["tgtadm", "-C", "\(control)", "--lld", "iscsi"] + arguments)
  }
}
