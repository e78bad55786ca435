import Lab
import Testing

/// A loop device on a file, detached at the end.
final class LoopDevice: Resource {
  /// "/dev/loop3".
  let path: String
  let file: String

  private init(path: String, file: String) {
    self.path = path
    self.file = file
  }

  static func attach(_ lab: Lab, to file: String) async throws -> LoopDevice {
    let result = await lab.shell("losetup -f --show --direct-io=on '\(file)'")
    guard result.status == 0 else {
      throw ManagedProcess.Failure(description: "losetup: \(result)")
    }
    let device = LoopDevice(path: result.value, file: file)
    lab.own(device)
    return device
  }

  func detach() async -> ShellResult { await Shell.run("losetup -d \(path)") }

  func end() async {
    // Only while it is still on our file: another may have taken the number since.
    let result = await Shell.run(
      """
      for i in $(seq 50); do
        losetup -n -O BACK-FILE \(path) 2>/dev/null | grep -qF '\(file)' || exit 0
        umount \(path) 2>/dev/null; losetup -d \(path); sleep 0.1
      done; exit 1
      """)
    if result.status != 0 { Issue.record("\(path) does not detach: \(result)") }
  }
}
