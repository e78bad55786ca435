import LinuxIO
package import SystemPackage

/// Why a mount could not be made.
package enum MountError: Error, Equatable, Sendable {
  case mountPointAbsent(path: String)
  case mountPointNotDirectory(path: String)
  case mountPointNotEmpty(path: String)
  /// The daemon of an earlier mount died there.
  case mountPointDead(path: String)
  case mountPointUnreadable(path: String, Errno)
  /// There is no /dev/fuse.
  case deviceAbsent
  case deviceRefused(Errno)
  /// The process may have no more memory, descriptors or threads.
  case lacking(path: String, Errno)
  /// An ordinary user mounts through fusermount3, and it is not installed.
  case helperAbsent
  /// libfuse refused the options, or had no memory.
  case sessionRefused
  case kernelRefused(path: String, Errno)

  /// One sentence without a full stop that says what to do.
  package var sentence: String {
    switch self {
    case .mountPointAbsent(let path):
      "mount point \(path) does not exist; create it with mkdir"
    case .mountPointNotDirectory(let path):
      "mount point \(path) is not a directory"
    case .mountPointNotEmpty(let path):
      "mount point \(path) is not empty or already mounted; choose an empty directory"
    case .mountPointDead(let path):
      "a dead mount lies on \(path); run umount \(path) first"
    case .mountPointUnreadable(let path, let error):
      "mount point \(path) cannot be looked at: \(error)"
    case .deviceAbsent:
      "/dev/fuse does not exist; load the fuse module (modprobe fuse)"
    case .deviceRefused(let error):
      "/dev/fuse cannot be opened: \(error); ordinary users need its usual mode, 0666"
    case .lacking(let path, let error):
      "mounting on \(path) failed: \(error.shortage ?? "\(error)")"
    case .helperAbsent:
      "fusermount3 is not installed, and only root mounts without it (apt install fuse3)"
    case .sessionRefused:
      "libfuse refused the session's options"
    case .kernelRefused(let path, let error):
      "mounting on \(path) was refused: \(error)"
    }
  }
}
