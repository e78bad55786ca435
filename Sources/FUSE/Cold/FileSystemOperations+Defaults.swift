package import SystemPackage

/// What holds where a file system has no streams and lets nobody remove anything.
extension FileSystemOperations {
  package func didRead(_ file: OpenFileNumber, byteCount: Int) {}

  package func poll(
    _ file: OpenFileNumber, wake: (@Sendable () -> Void)?
  ) async throws(Errno) -> PollEvents { [.readable, .writable] }

  package func remove(_ name: String, from parent: NodeNumber) async throws(Errno) {
    throw .notPermitted
  }
}
