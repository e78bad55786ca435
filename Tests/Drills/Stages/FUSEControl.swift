import Lab
import LinuxIO

/// The kernel's door to FUSE connections, on a directory of the lab's: it is mounted nowhere else
/// on many machines.
enum FUSEControl {
  /// Aborts the connection behind a mount point, which need not answer.
  static func abort(_ stage: Stage, _ path: String) async throws {
    let directory = try stage.lab.makeDirectory("fusectl")
    let result = await Shell.run(
      """
      # The third word of its line is "major:minor"; the connection is named by the minor.
      number=$(awk '$5 == "\(path)" { split($3, d, ":"); print d[2] }' /proc/self/mountinfo)
      [ -n "$number" ] || { echo not mounted; exit 1; }
      mount -t fusectl none '\(directory)' || exit
      echo 1 > '\(directory)'/$number/abort; status=$?
      umount '\(directory)'
      exit $status
      """)
    guard result.status == 0 else { throw DrillFailure("the abort failed: \(result)") }
  }
}
