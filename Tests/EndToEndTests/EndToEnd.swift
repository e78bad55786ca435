import Lab
import Testing

/// The program as people run it: real mounts, a real tgtd, loop devices, and the simulated target
/// where it has to misbehave.
///
/// One test after the other: each has its own target and mount points, but the machine has few
/// cores, and what is measured here is patience.
@Suite(
  "End to end", .serialized, .timeLimit(.minutes(2)), .requires(.root, .binary, .fuse))
enum EndToEnd {}

extension MountedFileSystem {
  /// The first target is logged in and its LUN 1 can be read.
  func expectServing(sourceLocation: SourceLocation = #_sourceLocation) async {
    let result = await shell("cat $T/state; head -c 1 $T/lun1 | wc -c")
    #expect(result.lines == ["LOGGED_IN", "1"], "\(result)", sourceLocation: sourceLocation)
  }
}

extension ShellResult {
  /// Fails with all the script wrote, not only with its status.
  func expectSuccess(sourceLocation: SourceLocation = #_sourceLocation) {
    #expect(status == 0, "\(self)", sourceLocation: sourceLocation)
  }

  /// Expects that the last command failed with `error` in what it wrote.
  func expectFailure(_ error: String, sourceLocation: SourceLocation = #_sourceLocation) {
    #expect(status != 0, "\(self)", sourceLocation: sourceLocation)
    #expect(output.contains(error), "\(self)", sourceLocation: sourceLocation)
  }
}
