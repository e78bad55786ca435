import FoundationEssentials
import LinuxIO
import Records
import SystemPackage

/// Whether this kernel serves FUSE over io_uring, and lets us.
///
/// Source: Linux, Documentation/filesystems/fuse/fuse-io-uring.rst.
enum RingSupport {
  private static let switchPath = "/sys/module/fuse/parameters/enable_uring"

  /// Whether a mount asked for with `mode` offers it to the kernel.
  static func isOffered(_ mode: ChannelMode) throws(CommandFailure) -> Bool {
    guard mode != .device else { return false }
    guard let objection = objection() else { return true }
    if mode == .ring { throw objection }
    return false
  }

  /// Why there is no such channel here; nil when there is.
  static func objection() -> CommandFailure? {
    guard let value = try? String(contentsOfFile: switchPath, encoding: .utf8) else {
      return CommandFailure(
        .notSupported,
        "this kernel has no FUSE over io_uring (it came with Linux 6.14); use -o channel=auto")
    }
    guard value.first == "Y" else {
      return CommandFailure(
        .notSupported,
        "FUSE over io_uring is switched off; switch it on with: echo Y > \(switchPath) "
          + "(as root), or use -o channel=auto")
    }
    do throws(Errno) {
      try CompletionRing.check()
      return nil
    } catch {
      return CommandFailure(
        .notSupported,
        "io_uring is not to be had here: \(error) (a container's seccomp profile or "
          + "/proc/sys/kernel/io_uring_disabled may forbid it); use -o channel=auto")
    }
  }
}
