/// A loop device on a file, detached at the end.
package final class LoopDevice: Resource {
  /// "/dev/loop3".
  package let path: String
  package let file: String
  private let lab: Lab

  private init(_ lab: Lab, path: String, file: String) {
    self.lab = lab
    self.path = path
    self.file = file
  }

  package static func attach(_ lab: Lab, to file: String) async throws -> LoopDevice {
    let result = await lab.shell("losetup -f --show --direct-io=on '\(file)'")
    guard result.status == 0 else {
      throw ManagedProcess.Failure(description: "losetup: \(result)")
    }
    let device = LoopDevice(lab, path: result.value, file: file)
    lab.own(device)
    return device
  }

  package func detach() async -> ShellResult { await Shell.run("losetup -d \(path)") }

  package func end() async {
    // Only while it is still on our file: another may have taken the number since.
    let result = await Shell.run(
      """
      for i in $(seq 50); do
        losetup -n -O BACK-FILE \(path) 2>/dev/null | grep -qF '\(file)' || exit 0
        umount \(path) 2>/dev/null; losetup -d \(path); sleep 0.1
      done; exit 1
      """)
    if result.status != 0 { lab.complain("\(path) does not detach: \(result)") }
  }
}
