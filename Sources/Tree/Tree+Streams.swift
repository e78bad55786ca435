import ControlPlane
package import FUSE
import Reactor
import Synchronization
package import SystemPackage

/// Files that go on: `events`, `capture`.
extension Tree {
  /// Begins to listen for who opens.
  func open(_ file: StreamFile, _ flags: OpenFlags) async throws(Errno) -> OpenedFile {
    try Self.checkAccess(flags, permissions: file.permissions)
    let stream =
      switch file.source {
      case .events: try await source.events()
      case .capture(let session): try await source.capture(session)
      }
    let number = files.withLock { $0.insert(.stream(stream)) }
    // Not FOPEN_STREAM: head(1) takes a regular file that does not seek for an error.
    return OpenedFile(number: number, options: [.direct, .noFlush])
  }

  /// EBUSY when too many wait for streams already: others' requests need room, too.
  func read(
    _ stream: ByteStream, count: Int, waits: Bool
  ) async throws(Errno) -> ArraySlice<UInt8> {
    let others = streamReads.add(1, ordering: .relaxed).oldValue
    defer { streamReads.subtract(1, ordering: .relaxed) }
    guard others < Self.streamReadLimit || !waits else { throw .resourceBusy }
    return try await stream.read(count: count, waits: waits)
  }

  package func didRead(_ file: OpenFileNumber, byteCount: Int) {
    guard case .stream(let stream) = files.withLock({ $0.file(file) }) else { return }
    stream.settle(taken: byteCount)
  }

  /// Values and control files never make anybody wait.
  package func poll(
    _ file: OpenFileNumber, wake: (@Sendable () -> Void)?
  ) async throws(Errno) -> PollEvents {
    guard case .stream(let stream) = files.withLock({ $0.file(file) }) else {
      return [.readable, .writable]
    }
    let (isReadable, isAtEnd) = stream.poll(wake)
    return isAtEnd ? [.readable, .hangUp] : isReadable ? .readable : []
  }
}
