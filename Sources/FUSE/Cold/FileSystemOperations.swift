package import SystemPackage

/// What a file system does for the kernel, off the I/O path.
///
/// Each call comes from a task of its own, at most `ColdLimits.tasks` at once, in any order; a
/// caller who is killed cancels the task and is answered EINTR without waiting for it. An open or
/// lookup whose answer nobody took is undone by `release` or `forget`.
package protocol FileSystemOperations: Sendable {
  /// The node called `name` in a directory; counts one more reference to it.
  func lookup(_ name: String, in parent: NodeNumber) async throws(Errno) -> NodeEntry

  /// Takes `count` references back. Never blocks and never fails.
  func forget(_ node: NodeNumber, count: UInt64)

  func attributes(of node: NodeNumber) async throws(Errno) -> NodeAttributes

  func setAttributes(
    _ changes: AttributeChanges, of node: NodeNumber
  ) async throws(Errno) -> NodeAttributes

  /// Removes a name; most cannot be.
  func remove(_ name: String, from parent: NodeNumber) async throws(Errno)

  /// Where a symbolic link leads.
  func readLink(_ node: NodeNumber) async throws(Errno) -> String

  func open(_ node: NodeNumber, flags: OpenFlags) async throws(Errno) -> OpenedFile

  /// At most `count` bytes from `offset`; fewer only at the end, or where the file is a stream.
  ///
  /// - Parameter waits: for a stream with nothing to read; without, that is EAGAIN.
  func read(
    _ file: OpenFileNumber, offset: UInt64, count: Int, waits: Bool
  ) async throws(Errno) -> ArraySlice<UInt8>

  /// Says how many bytes of the last `read` the kernel took: none where it was interrupted.
  func didRead(_ file: OpenFileNumber, byteCount: Int)

  /// What an open file is ready for; `wake` is called, once, when a file that is not is.
  func poll(
    _ file: OpenFileNumber, wake: (@Sendable () -> Void)?
  ) async throws(Errno) -> PollEvents

  /// Takes `byteCount` bytes, of which `bytes` are the first `ColdLimits.writtenBytes` at most.
  func write(
    _ bytes: [UInt8], byteCount: Int, to file: OpenFileNumber, offset: UInt64
  ) async throws(Errno)

  func release(_ file: OpenFileNumber, of node: NodeNumber) async

  func openDirectory(_ node: NodeNumber) async throws(Errno) -> OpenFileNumber

  /// Everything in an open directory, "." and ".." first, the same as long as it is open.
  func items(of directory: OpenFileNumber) async throws(Errno) -> [DirectoryItem]

  func releaseDirectory(_ directory: OpenFileNumber) async

  func statistics(of node: NodeNumber) async throws(Errno) -> FileSystemStatistics
}
