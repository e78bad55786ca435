/// What the command exits with, one number a kind of failure, so that scripts can tell them apart.
///
/// Source: sysexits(3), and mount(8) "EXIT STATUS" for the mount helper.
enum ExitStatus: Int32, Sendable {
  case success = 0
  case usage = 64
  /// The mount point is not an empty directory.
  case mountpointNotEmpty = 65
  case mountpointAbsent = 66
  case hostNotFound = 68
  /// /dev/fuse or fusermount3 is missing.
  case fuseUnavailable = 69
  /// A bug of ours.
  case software = 70
  /// A system call that should have worked.
  case system = 71
  case mountpointNotADirectory = 73
  /// The portal or the mount was reached and then failed.
  case inputOutput = 74
  /// Something is mounted there already, or the mount is in use.
  case busy = 75
  /// The target does not speak iSCSI as it should.
  case protocolError = 76
  case noPermission = 77
  case configuration = 78
  /// The source is of a kind this version cannot reach.
  case notSupported = 79
  /// Nothing of ours is mounted there.
  case notMounted = 80
  /// Not ready within the time allowed.
  case timedOut = 81

  /// The same for mount(8): 1 is wrong use or permission, 2 the system, 4 a bug, 32 any other.
  var forMountHelper: Int32 {
    switch self {
    case .success: 0
    case .usage, .noPermission, .configuration, .notSupported: 1
    case .system, .fuseUnavailable: 2
    case .software: 4
    default: 32
    }
  }
}
