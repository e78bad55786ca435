import FoundationEssentials
import SystemPackage

/// The door of the kernel a FUSE mount goes through.
enum FUSEDevice {
  static let path = "/dev/fuse"
  /// Character device 10:229, as the kernel writes it in `st_rdev`.
  /// Source: Linux, Documentation/admin-guide/devices.txt.
  private static let number: UInt64 = 10 << 8 | 229

  /// Says why nothing can be mounted on this machine, before anything is tried.
  static func check(isRoot: Bool) throws(CommandFailure) {
    do {
      let device = try FileDescriptor.open(FilePath(path), .readWrite, options: .closeOnExec)
      defer { try? device.close() }
      guard UInt64(try Stat(device).specialDeviceID.rawValue) == number else {
        throw CommandFailure(
          .fuseUnavailable,
          "\(path) is not the FUSE device (character device 10:229); make it with: "
            + "rm \(path); mknod -m 666 \(path) c 10 229")
      }
    } catch let failure as CommandFailure {
      throw failure
    } catch {
      throw objection(to: error as? Errno ?? .ioError)
    }
    guard !isRoot, !hasFusermount else { return }
    throw CommandFailure(
      .fuseUnavailable,
      "fusermount3 is not on PATH, and only with it an ordinary user can mount; "
        + "install the package fuse3")
  }

  static func objection(to error: Errno) -> CommandFailure {
    switch error {
    case .noSuchFileOrDirectory:
      CommandFailure(
        .fuseUnavailable,
        "there is no \(path); load the module with: modprobe fuse "
          + "(in a container: --device \(path) --cap-add SYS_ADMIN)")
    case .noSuchAddressOrDevice, .operationNotSupportedByDevice:
      CommandFailure(
        .fuseUnavailable, "\(path) has no driver behind it; load the module with: modprobe fuse")
    case .permissionDenied, .notPermitted:
      CommandFailure(
        .noPermission, "you may not open \(path); its mode should be 0666, or you in its group")
    default:
      CommandFailure(.fuseUnavailable, "\(path) cannot be opened: \(error)")
    }
  }

  private static var hasFusermount: Bool {
    let path = ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin"
    return path.split(separator: ":").contains {
      FileManager.default.isExecutableFile(atPath: "\($0)/fusermount3")
    }
  }
}
