import FoundationEssentials
import Glibc
import ProcessUsage

/// A daemon in the foreground as our child, and its mount; both end with it.
final class MountedDaemon {
  let mountpoint: String
  let log: String
  private let child: Child
  private var isEnded = false

  /// Mounts and waits until the tree is there; `source` is asked for its targets meanwhile.
  init(_ bench: ScaleBench, source: String = "none", options: [String] = []) throws {
    mountpoint = bench.directory + "/mnt"
    log = bench.directory + "/daemon.log"
    try FileManager.default.createDirectory(
      atPath: mountpoint, withIntermediateDirectories: true)
    let all = ["state=\(bench.directory)/state"] + options + bench.options
    child = try Child(
      [bench.binary, "mount", source, mountpoint, "-f", "-o", all.joined(separator: ",")],
      output: log)
    while !FileManager.default.fileExists(atPath: mountpoint + "/version") {
      guard child.isRunning else {
        throw ScaleBench.Failure(description: "no mount; see \(log)")
      }
      usleep(1000)
    }
  }

  /// A workload that failed leaves nothing mounted.
  deinit {
    guard !isEnded else { return }
    // SAFETY: the path is a C string for the call.
    unsafe _ = umount2(mountpoint, CInt(MNT_DETACH))
    kill(child.processID, SIGKILL)
    _ = child.wait()
  }

  var usage: ProcessUsage { ProcessUsage(of: child.processID) }

  /// Unmounts and waits for the daemon; how long that took.
  @discardableResult
  func end() throws -> Double {
    try ScaleBench.time {
      try Child.run(["umount", mountpoint])
      isEnded = true
      guard child.wait() == 0 else {
        throw ScaleBench.Failure(description: "the daemon failed; see \(log)")
      }
    }
  }

  // MARK: - The tree

  /// One command, one write.
  func command(_ text: String, to file: String = "control") throws {
    let path = "\(mountpoint)/\(file)"
    // SAFETY: path and text are C strings for the calls.
    let descriptor = unsafe Glibc.open(path, O_WRONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw failure(path) }
    defer { close(descriptor) }
    guard unsafe write(descriptor, text, text.utf8.count) == text.utf8.count else {
      throw failure("\(text) > \(path)")
    }
  }

  func read(_ file: String) throws -> String {
    try String(contentsOf: URL(filePath: "\(mountpoint)/\(file)"), encoding: .utf8)
  }

  /// The names in a directory as readdir gives them.
  func names(in directory: String) throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: "\(mountpoint)/\(directory)")
  }

  /// Opens a file and leaves it open.
  func open(_ file: String) throws -> Int32 {
    // SAFETY: the path is a C string for the call.
    let descriptor = unsafe Glibc.open("\(mountpoint)/\(file)", O_RDWR | O_CLOEXEC)
    guard descriptor >= 0 else { throw failure(file) }
    return descriptor
  }

  private func failure(_ what: String) -> ScaleBench.Failure {
    ScaleBench.Failure(description: "\(what): errno \(errno)")
  }
}
