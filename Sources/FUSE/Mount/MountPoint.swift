import CFUSE3  // its module is where the importer puts struct stat
import Glibc
import SystemPackage

/// The directory a file system goes on, and what a mount needs around it.
///
/// libfuse says on standard error why a mount failed; these checks say it as a value beforehand.
package struct MountPoint: Equatable, Sendable {
  package let path: String

  package init(path: String) {
    self.path = path
  }

  /// Checks the directory, the device and, for an ordinary user, the helper.
  package func check() throws(MountError) {
    try checkDirectory()
    try checkDevice()
    if geteuid() != 0 { try checkHelper() }
  }

  private func checkDirectory() throws(MountError) {
    var status = stat()
    // SAFETY: the path is a C string for the call; the kernel fills the local.
    guard unsafe stat(path, &status) == 0 else {
      switch errno {
      case ENOENT: throw .mountPointAbsent(path: path)
      case ENOTDIR: throw .mountPointNotDirectory(path: path)
      case ENOTCONN, ECONNABORTED: throw .mountPointDead(path: path)
      default: throw .mountPointUnreadable(path: path, Errno(rawValue: errno))
      }
    }
    guard status.st_mode & S_IFMT == S_IFDIR else { throw .mountPointNotDirectory(path: path) }
    // SAFETY: the stream is closed below, before anyone else can see it.
    guard let directory = unsafe opendir(path) else {
      throw .mountPointUnreadable(path: path, Errno(rawValue: errno))
    }
    defer { _ = unsafe closedir(directory) }
    // SAFETY: the stream is open; an entry and its name, which ends with NUL, live until the next.
    while let entry = unsafe readdir(directory) {
      let name = unsafe withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
        unsafe String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
      }
      guard Self.namesOfAnEmptyDirectory.contains(name) else {
        throw .mountPointNotEmpty(path: path)
      }
    }
  }

  /// The last is how an empty directory is kept in git; to hide it costs nobody anything.
  private static let namesOfAnEmptyDirectory = [".", "..", ".gitkeep"]

  /// libfuse opens the device itself before it asks fusermount3, so a user needs its rights too.
  private func checkDevice() throws(MountError) {
    // SAFETY: a literal path for the call.
    let descriptor = unsafe Glibc.open("/dev/fuse", O_RDWR | O_CLOEXEC)
    guard descriptor >= 0 else {
      switch errno {
      case ENOENT, ENODEV, ENXIO: throw .deviceAbsent
      default: throw .deviceRefused(Errno(rawValue: errno))
      }
    }
    _ = Glibc.close(descriptor)
  }

  private func checkHelper() throws(MountError) {
    // SAFETY: the environment's string is copied at once.
    let search = unsafe getenv("PATH").map { unsafe String(cString: $0) } ?? ""
    let directories = ["/usr/bin", "/bin"] + search.split(separator: ":").map(String.init)
    for directory in directories {
      // SAFETY: the path is a C string for the call.
      if unsafe access("\(directory)/fusermount3", X_OK) == 0 { return }
    }
    throw .helperAbsent
  }
}
