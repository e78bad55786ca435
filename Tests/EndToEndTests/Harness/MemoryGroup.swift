import FoundationEssentials
import Glibc
import Lab
import Testing

/// A control group with a bound on memory, of either version of the kernel's interface.
final class MemoryGroup: Resource {
  private static let first = "/sys/fs/cgroup/memory"
  private static let second = "/sys/fs/cgroup"

  /// Where groups are made; nil where there is no memory controller.
  private static var root: (path: String, isFirst: Bool)? {
    if Programs.isThere(first + "/memory.limit_in_bytes") { return (first, true) }
    let controllers = try? String(
      contentsOfFile: second + "/cgroup.subtree_control", encoding: .utf8)
    return controllers?.contains("memory") == true ? (second, false) : nil
  }

  /// Why none can be made; nil when one can.
  static var objection: String? {
    guard let root else { return "a memory controller in /sys/fs/cgroup" }
    let path = "\(root.path)/iscsifs-probe-\(getpid())"
    // SAFETY: the path is a C string for the calls.
    guard unsafe mkdir(path, 0o755) == 0 else { return "the right to make groups in \(root.path)" }
    _ = unsafe rmdir(path)
    return nil
  }

  let path: String
  private let isFirst: Bool
  private let lab: Lab

  /// - Parameter mebibytes: what its processes may use, the page cache they fill included.
  init(_ lab: Lab, mebibytes: Int) throws {
    guard let root = Self.root else {
      throw ManagedProcess.Failure(description: "there is no memory controller")
    }
    self.lab = lab
    isFirst = root.isFirst
    path =
      "\(root.path)/\(lab.fresh("iscsifs").split(separator: "/").suffix(2).joined(separator: "-"))"
    // SAFETY: the path is a C string for the call.
    guard unsafe mkdir(path, 0o755) == 0 else {
      throw ManagedProcess.Failure(description: "\(path): errno \(errno)")
    }
    lab.own(self)
    let file = isFirst ? "memory.limit_in_bytes" : "memory.max"
    try "\(mebibytes << 20)".write(toFile: "\(path)/\(file)", atomically: false, encoding: .utf8)
  }

  /// A shell's words that put it, and what it becomes, into the group.
  var entering: String { "echo $$ > \(path)/cgroup.procs" }

  /// How many processes were ended for want of memory.
  func killCount() async -> Int {
    let file = isFirst ? "memory.oom_control" : "memory.events"
    let result = await lab.shell("awk '/^oom_kill / { print $2 }' \(path)/\(file)")
    return Int(result.value) ?? -1
  }

  /// The most it has held, in mebibytes.
  func peakMebibytes() async -> Int {
    let file = isFirst ? "memory.max_usage_in_bytes" : "memory.peak"
    return (Int(await lab.shell("cat \(path)/\(file)").value) ?? 0) >> 20
  }

  func end() async {
    // Empty once its processes are reaped.
    // SAFETY: the path is a C string for the call.
    let isGone = await eventually(.seconds(10)) { unsafe rmdir(path) == 0 }
    if !isGone { Issue.record("\(path) cannot be removed: errno \(errno)") }
  }
}
