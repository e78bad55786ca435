package import SystemPackage

extension Errno {
  /// What this process may have no more of, and where that is set; nil for any other error.
  package var shortage: String? {
    switch self {
    case .tooManyOpenFiles: "no more open files are allowed (ulimit -n, LimitNOFILE=)"
    case .tooManyOpenFilesInSystem: "the system has no more open files (fs.file-max)"
    case .noMemory: "there is not enough memory (ulimit -v, MemoryMax=)"
    case .resourceTemporarilyUnavailable:
      "no thread can be started: too many (ulimit -u, TasksMax=), or no memory (ulimit -v)"
    default: nil
    }
  }
}
