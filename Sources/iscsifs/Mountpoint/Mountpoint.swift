import FoundationEssentials
import Glibc
import Records
import SystemPackage

/// The directory a mount is to be at, or is at.
struct Mountpoint: Sendable {
  /// Absolute, without symbolic links.
  let path: String

  /// Finds the real path, also of a mount whose daemon is gone.
  init(_ given: String) throws(CommandFailure) {
    guard !given.isEmpty else { throw CommandFailure(.usage, "MOUNTPOINT is empty") }
    if let real = Mountpoint.realPath(given) {
      path = real
      return
    }
    let whole = FilePath(given)
    let parent = whole.removingLastComponent().string
    if let name = whole.lastComponent?.string, name != "..",
      let real = Mountpoint.realPath(parent.isEmpty ? "." : parent)
    {
      path = (real == "/" ? "" : real) + "/" + name
    } else {
      throw CommandFailure(
        .mountpointAbsent, "\(given): there is no such directory; make it with: mkdir -p \(given)")
    }
  }

  /// Checks everything that can be checked before a daemon is started; changes nothing but a dead
  /// mount of ours, which is taken away.
  func prepare() throws(CommandFailure) {
    let isRoot = geteuid() == 0
    var facts = MountpointFacts.gather(path, table: try .current())
    if facts.isDeadMountOfOurs {
      try unmount(isLazy: true)
      facts = MountpointFacts.gather(path, table: try .current())
    }
    if let objection = facts.objection(isRoot: isRoot) { throw objection }
    try FUSEDevice.check(isRoot: isRoot)
  }

  /// Unmounts; as root by the system call, else by fusermount3, which may what we may not.
  func unmount(isLazy: Bool = false) throws(CommandFailure) {
    if geteuid() == 0 {
      let flags = Int32(UMOUNT_NOFOLLOW) | (isLazy ? Int32(MNT_DETACH) : 0)
      // SAFETY: the string outlives the call.
      if unsafe umount2(path, flags) == 0 { return }
      throw failure(Errno(rawValue: errno))
    }
    do throws(Errno) {
      if try ChildProcess.run("fusermount3", [isLazy ? "-uz" : "-u", "--", path]) { return }
    } catch { throw CommandFailure(.fuseUnavailable, "fusermount3: \(error)") }
    throw CommandFailure(.busy, "\(path): fusermount3 did not unmount it")
  }

  private func failure(_ error: Errno) -> CommandFailure {
    switch error {
    case .resourceBusy:
      CommandFailure(
        .busy, "\(path): a file or directory in it is in use; fuser -vm \(path) shows by whom")
    case .notPermitted: CommandFailure(.noPermission, "\(path): you may not unmount this")
    default: CommandFailure(.system, "\(path): \(error)")
    }
  }

  private static func realPath(_ path: String) -> String? {
    // SAFETY: realpath allocates the answer, which is copied and freed here.
    guard let real = unsafe realpath(path, nil) else { return nil }
    defer { unsafe free(real) }
    return unsafe String(cString: real)
  }
}
