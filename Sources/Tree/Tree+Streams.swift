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
