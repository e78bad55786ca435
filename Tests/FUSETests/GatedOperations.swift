import SystemPackage

@testable import FUSE

/// A file system whose one OPEN ends when the test says so; nothing else is there.
final class GatedOperations: FileSystemOperations {
  private let outcomes = AsyncStream<Result<OpenedFile, Errno>>.makeStream()
  private let releases = AsyncStream<OpenFileNumber>.makeStream()

  func finishOpen(_ outcome: Result<OpenedFile, Errno>) {
    outcomes.continuation.yield(outcome)
  }

  /// The open file that was released; waits for it.
  func released() async -> OpenFileNumber? {
    for await number in releases.stream { return number }
    return nil
  }

  func open(_ node: NodeNumber, flags: OpenFlags) async throws(Errno) -> OpenedFile {
    // Cancellation must not end the wait: an open at a target may not hear of it either.
    let outcome = await Task { () -> Result<OpenedFile, Errno> in
      for await outcome in outcomes.stream { return outcome }
      return .failure(.ioError)
    }.value
    return try outcome.get()
  }

  func release(_ file: OpenFileNumber, of node: NodeNumber) async {
    releases.continuation.yield(file)
  }

  func lookup(_ name: String, in parent: NodeNumber) async throws(Errno) -> NodeEntry {
    throw .noSuchFileOrDirectory
  }
  func forget(_ node: NodeNumber, count: UInt64) {}
  func attributes(of node: NodeNumber) async throws(Errno) -> NodeAttributes {
    throw .noSuchFileOrDirectory
  }
  func setAttributes(
    _ changes: AttributeChanges, of node: NodeNumber
  ) async throws(Errno) -> NodeAttributes { throw .noSuchFileOrDirectory }
  func readLink(_ node: NodeNumber) async throws(Errno) -> String { throw .invalidArgument }
  func read(
    _ file: OpenFileNumber, offset: UInt64, count: Int, waits: Bool
  ) async throws(Errno) -> ArraySlice<UInt8> { throw .badFileDescriptor }
  func write(
    _ bytes: [UInt8], byteCount: Int, to file: OpenFileNumber, offset: UInt64
  ) async throws(Errno) { throw .badFileDescriptor }
  func openDirectory(_ node: NodeNumber) async throws(Errno) -> OpenFileNumber {
    throw .notDirectory
  }
  func items(of directory: OpenFileNumber) async throws(Errno) -> [DirectoryItem] {
    throw .badFileDescriptor
  }
  func releaseDirectory(_ directory: OpenFileNumber) async {}
  func statistics(of node: NodeNumber) async throws(Errno) -> FileSystemStatistics {
    throw .noSuchFileOrDirectory
  }
}
