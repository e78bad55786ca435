import Synchronization
import SystemPackage
import Testing

@testable import FUSE

/// POLL, decoded and answered without libfuse. Layouts: linux/fuse.h, 7.38.
struct PollTests {
  private func bytes(unique: UInt64, flags: UInt32) -> [UInt8] {
    RequestBytes.request(
      opcode: 40, unique: unique, node: 9,
      body: RequestBytes.little(UInt64(5)) + RequestBytes.little(UInt64(0x0A0B))
        + RequestBytes.little(flags) + RequestBytes.little(UInt32(1)))
  }

  @Test("A POLL request is read; cut ones and others are none")
  func reads() throws {
    let request = try #require(unsafe PollRequest(parsing: bytes(unique: 3, flags: 1).span.bytes))
    #expect(request.unique == 3 && request.file == OpenFileNumber(rawValue: 5))
    #expect(request.handle == 0x0A0B && request.wantsNotice)
    let idle = try #require(unsafe PollRequest(parsing: bytes(unique: 3, flags: 0).span.bytes))
    #expect(!idle.wantsNotice)
    let cut = [UInt8](bytes(unique: 3, flags: 1).dropLast())
    #expect(unsafe PollRequest(parsing: cut.span.bytes) == nil)
    let other = RequestBytes.open(unique: 1, node: 1, flags: 0) + [UInt8](repeating: 0, count: 16)
    #expect(unsafe PollRequest(parsing: other.span.bytes) == nil)
  }

  @Test("Answer and notice are the kernel's structs")
  func writes() {
    #expect(
      RawReply.bytes(unique: 9, events: [.readable, .hangUp]) == [
        24, 0, 0, 0, 0, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0, 0x51, 0, 0, 0, 0, 0, 0, 0,
      ])
    #expect(
      RawReply.pollNotice(handle: 0x0102) == [
        24, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 1, 0, 0, 0, 0, 0, 0,
      ])
  }

  @Test(
    "A dispatched POLL is answered, and noticed later where that was asked for",
    .timeLimit(.minutes(5)), arguments: [true, false])
  func dispatches(wantsNotice: Bool) async throws {
    let pipe = try ReplyPipe()
    let operations = PolledOperations()
    let dispatcher = try ColdDispatcher(operations: operations, cacheMode: .read)
    dispatcher.channel = pipe.channel
    let request = bytes(unique: 11, flags: wantsNotice ? 1 : 0)
    dispatcher.serve(try #require(unsafe PollRequest(parsing: request.span.bytes)))
    try await pipe.waitForReply()
    #expect(pipe.replies() == RawReply.bytes(unique: 11, events: []))
    #expect(operations.wake() == wantsNotice)
    #expect(pipe.replies() == (wantsNotice ? RawReply.pollNotice(handle: 0x0A0B) : []))
  }

  @Test("Files of a file system without streams are always ready")
  func ready() async throws {
    let file = OpenFileNumber(rawValue: 1)
    #expect(try await GatedOperations().poll(file, wake: nil) == [.readable, .writable])
  }
}

/// A file system with one file that is not ready.
private final class PolledOperations: FileSystemOperations {
  private let gate = GatedOperations()
  private let waiting = Mutex<(@Sendable () -> Void)?>(nil)

  /// Wakes who polls; false when nobody wants to be.
  func wake() -> Bool {
    let wake = waiting.withLock { $0.take() }
    wake?()
    return wake != nil
  }

  func poll(
    _ file: OpenFileNumber, wake: (@Sendable () -> Void)?
  ) async throws(Errno) -> PollEvents {
    waiting.withLock { $0 = wake }
    return []
  }

  func open(_ node: NodeNumber, flags: OpenFlags) async throws(Errno) -> OpenedFile {
    try await gate.open(node, flags: flags)
  }
  func release(_ file: OpenFileNumber, of node: NodeNumber) async {}
  func lookup(_ name: String, in parent: NodeNumber) async throws(Errno) -> NodeEntry {
    try await gate.lookup(name, in: parent)
  }
  func forget(_ node: NodeNumber, count: UInt64) {}
  func attributes(of node: NodeNumber) async throws(Errno) -> NodeAttributes {
    try await gate.attributes(of: node)
  }
  func setAttributes(
    _ changes: AttributeChanges, of node: NodeNumber
  ) async throws(Errno) -> NodeAttributes { try await gate.setAttributes(changes, of: node) }
  func readLink(_ node: NodeNumber) async throws(Errno) -> String { try await gate.readLink(node) }
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
