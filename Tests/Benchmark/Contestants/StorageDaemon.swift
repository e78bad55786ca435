import FoundationEssentials
import Glibc
import Lab

/// qemu-storage-daemon with one LUN exported as a file.
final class StorageDaemon: Resource {
  /// The file that is the LUN.
  let path: String
  private let process: ManagedProcess
  private let lab: Lab

  var processID: Int32 { process.processID }

  private init(_ lab: Lab, path: String, process: ManagedProcess) {
    self.lab = lab
    self.path = path
    self.process = process
  }

  static func start(_ lab: Lab, _ target: TargetDaemon, name: String, lun: Int) async throws
    -> StorageDaemon
  {
    let path = try lab.write("", name: "export")
    let process = try ManagedProcess(
      [
        "qemu-storage-daemon", "--blockdev",
        "driver=iscsi,node-name=lun,transport=tcp,portal=\(target.address),target=\(name),"
          + "lun=\(lun),cache.direct=on",
        "--export", "type=fuse,id=export,node-name=lun,mountpoint=\(path),writable=on",
      ], output: lab.fresh("qemu-storage-daemon.log"))
    let daemon = StorageDaemon(lab, path: path, process: process)
    lab.own(daemon)
    let isUp = await eventually(.seconds(15)) { process.status != nil || daemon.isMounted }
    guard isUp, process.status == nil else {
      throw BenchmarkFailure("qemu-storage-daemon does not export: \(process.output)")
    }
    return daemon
  }

  func end() async {
    process.signal(SIGTERM)
    if await process.wait(.seconds(5)) == nil { await process.killGroup() }
    guard isMounted else { return }
    let unmount = await Shell.run(
      "umount -l '\(path)' || fusermount3 -uz '\(path)'", limit: .seconds(10))
    if unmount.status != 0 { lab.complain("the peer's export stays mounted: \(unmount)") }
  }

  /// Asks the kernel's table, not the mount, which may not answer.
  private var isMounted: Bool {
    let table = try? String(contentsOf: URL(filePath: "/proc/self/mounts"), encoding: .utf8)
    return table?.contains(" \(path) fuse") ?? false
  }
}
