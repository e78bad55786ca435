import FoundationEssentials
import Glibc
import SystemPackage

/// What was found at a mount point, apart from what to make of it.
struct MountpointFacts: Equatable, Sendable {
  enum Kind: Equatable, Sendable {
    case directory
    case other
    /// What looking at it failed with.
    case failed(Errno)
  }

  var path: String
  var kind: Kind
  /// The topmost mount exactly there.
  var mounted: MountTable.Entry?
  var names: [String] = []
  var isWritable = true

  /// Looks, and changes nothing.
  static func gather(_ path: String, table: MountTable) -> MountpointFacts {
    var facts = MountpointFacts(path: path, kind: .other, mounted: table.top(at: path))
    do throws(Errno) {
      facts.kind = try Stat(FilePath(path)).type == .directory ? .directory : .other
    } catch { facts.kind = .failed(error) }
    // The kernel answers stat from its cache long after the daemon is gone, an open it cannot.
    if facts.kind == .directory, facts.mounted?.isOurs == true, let error = openFailure(path) {
      facts.kind = .failed(error)
    }
    guard facts.kind == .directory, facts.mounted == nil else { return facts }
    facts.names = (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []
    facts.isWritable = FileManager.default.isWritableFile(atPath: path)
    return facts
  }

  private static func openFailure(_ path: String) -> Errno? {
    do {
      try FileDescriptor.open(
        FilePath(path), .readOnly, options: [.directory, .closeOnExec]
      ).close()
      return nil
    } catch { return error as? Errno }
  }

  /// The mount of ours there has lost its daemon: everything in it answers ENOTCONN.
  var isDeadMountOfOurs: Bool { mounted?.isOurs == true && kind == .failed(.socketNotConnected) }

  /// Why nothing can be mounted here; nil when it can.
  ///
  /// - Parameter isRoot: an ordinary user needs to be able to write in the directory, as
  ///   fusermount3 asks.
  func objection(isRoot: Bool) -> CommandFailure? {
    switch kind {
    case .failed(.noSuchFileOrDirectory):
      return CommandFailure(
        .mountpointAbsent, "\(path): there is no such directory; make it with: mkdir -p \(path)")
    case .failed(.permissionDenied):
      return CommandFailure(.noPermission, "\(path): you may not look into this directory")
    case .failed(.socketNotConnected):
      return CommandFailure(
        .busy, "\(path): a file system lost its daemon here; do: umount -l \(path)")
    case .failed(let error):
      return CommandFailure(.system, "\(path): \(error)")
    case .other:
      return CommandFailure(.mountpointNotADirectory, "\(path): this is not a directory")
    case .directory: break
    }
    if let mounted {
      let (what, command) =
        mounted.isOurs
        ? ("iscsifs has \(mounted.source)", "iscsifs unmount") : ("\(mounted.source) is", "umount")
      return CommandFailure(
        .busy, "\(path): \(what) mounted here already; do: \(command) \(path)")
    }
    if !isRoot, !isWritable {
      return CommandFailure(
        .noPermission, "\(path): you can mount only over a directory you may write in")
    }
    // .gitkeep is how an empty directory is kept in git; to hide it costs nobody anything.
    if let name = names.filter({ $0 != ".gitkeep" }).min() {
      return CommandFailure(
        .mountpointNotEmpty,
        "\(path): this directory is not empty (\"\(name)\"), and a mount would hide what is in it")
    }
    return nil
  }
}
