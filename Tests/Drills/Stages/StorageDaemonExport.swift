import FoundationEssentials
import Glibc
import Lab
import LinuxIO

/// qemu-storage-daemon with one LUN exported as a file by FUSE.
final class StorageDaemonExport: Resource {
  /// The file that is the LUN.
  let path: String
  let process: ManagedProcess
  private let stage: Stage

  private init(_ stage: Stage, path: String, process: ManagedProcess) {
    self.stage = stage
    self.path = path
    self.process = process
  }

  static func start(
    _ stage: Stage, _ target: TargetDaemon, name: String
  ) async throws -> StorageDaemonExport {
    let path = try stage.lab.write("", name: "export")
    let process = try ManagedProcess(
      [
        "qemu-storage-daemon", "--blockdev",
        "driver=iscsi,node-name=lun,transport=tcp,portal=\(target.address),target=\(name),"
          + "lun=1,cache.direct=on",
        "--export", "type=fuse,id=export,node-name=lun,mountpoint=\(path),writable=on",
      ], output: stage.lab.fresh("qemu-storage-daemon.log"))
    let export = StorageDaemonExport(stage, path: path, process: process)
    stage.lab.own(export)
    try await stage.expect("qemu-storage-daemon exports: \(process.output)") {
      export.isMounted
    }
    return export
  }

  /// Leaves no caller in a wait nobody can end: the kernel's connection is aborted first.
  func end() async {
    process.signal(SIGTERM)
    if isMounted, await process.wait(.seconds(3)) == nil {
      try? await FUSEControl.abort(stage, path)
    }
    if await process.wait(.seconds(5)) == nil { await process.killGroup() }
    guard isMounted else { return }
    let result = await Shell.run("umount -l '\(path)'", limit: .seconds(10))
    if result.status != 0 { stage.lab.complain("the export stays mounted: \(result)") }
  }

  /// Asks the kernel's table, not the mount, which may not answer.
  private var isMounted: Bool {
    let table = try? String(contentsOf: URL(filePath: "/proc/self/mounts"), encoding: .utf8)
    return table?.contains(" \(path) fuse") ?? false
  }
}
