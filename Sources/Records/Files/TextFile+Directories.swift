import FoundationEssentials
import Glibc
import SystemPackage

extension TextFile {
  /// Makes the directories `path` lies in, for their owner alone.
  static func makeDirectories(above path: String) throws(Errno) {
    let directory = FilePath(path).removingLastComponent().string
    if directory.isEmpty || FileManager.default.fileExists(atPath: directory) { return }
    do {
      try FileManager.default.createDirectory(
        atPath: directory, withIntermediateDirectories: true,
        attributes: [.posixPermissions: 0o700])
    } catch { throw .permissionDenied }
  }

  /// Puts `path` in the place of `destination`. The corresponding C function is `rename`.
  static func rename(_ path: String, to destination: String) throws(Errno) {
    // SAFETY: the strings outlive the call, which keeps neither.
    guard unsafe Glibc.rename(path, destination) == 0 else { throw Errno(rawValue: Glibc.errno) }
  }
}
