import Synchronization
import SystemPackage
import Testing

@testable import FUSE

/// One answer a request, whatever happens to it.
struct RequestLifecycleTests {
  private let opened = OpenedFile(number: OpenFileNumber(rawValue: 5), options: [.direct])

  @Test("The first answer counts, the second is dropped")
  func answersOnce() throws {
    let pipe = try ReplyPipe()
    let request = FuseRequest(unique: 3, origin: .raw(pipe.channel))
    #expect(request.answer(opened: opened))
    #expect(!request.fail(.ioError))
    #expect(pipe.replies() == RawReply.bytes(unique: 3, opened: opened))
  }

  @Test("A request let go without an answer is answered EIO")
  func answersWhenDropped() throws {
    let pipe = try ReplyPipe()
    do { _ = FuseRequest(unique: 3, origin: .raw(pipe.channel)) }
    #expect(pipe.replies() == RawReply.bytes(unique: 3, error: .ioError))
  }

  @Test(
    "A dispatched OPEN is answered with what the file system says", .timeLimit(.minutes(5)))
  func dispatches() async throws {
    let pipe = try ReplyPipe()
    let operations = GatedOperations()
    let dispatcher = try ColdDispatcher(operations: operations, cacheMode: .read)
    dispatcher.channel = pipe.channel
    dispatcher.serve(try open(unique: 11))
    operations.finishOpen(.success(opened))
    try await pipe.waitForReply()
    #expect(pipe.replies() == RawReply.bytes(unique: 11, opened: opened))
  }

  @Test("An interrupted OPEN is answered EINTR at once, and closed when it succeeds later")
  func interrupts() async throws {
    let pipe = try ReplyPipe()
    let operations = GatedOperations()
    let dispatcher = try ColdDispatcher(operations: operations, cacheMode: .read)
    dispatcher.channel = pipe.channel
    dispatcher.serve(try open(unique: 12))
    dispatcher.interrupt(unique: 12)
    #expect(pipe.replies() == RawReply.bytes(unique: 12, error: .interrupted))
    operations.finishOpen(.success(opened))
    #expect(await operations.released() == opened.number)
    #expect(pipe.replies().isEmpty)
  }

  /// The kernel tells of the first signal only.
  @Test("A caller interrupted by a signal that asks for nothing is watched until one does")
  func watches() async throws {
    let pipe = try ReplyPipe()
    let operations = GatedOperations()
    let asked = AsyncStream<UInt32>.makeStream()
    let asks = Mutex(false)
    let dispatcher = try ColdDispatcher(operations: operations, cacheMode: .read) { thread in
      asked.continuation.yield(thread)
      return asks.withLock { $0 }
    }
    dispatcher.channel = pipe.channel
    dispatcher.serve(try open(unique: 15, thread: 4711))
    dispatcher.interrupt(unique: 15)
    dispatcher.interrupt(unique: 15)
    var looks = asked.stream.makeAsyncIterator()
    #expect(await looks.next() == 4711)
    #expect(await looks.next() == 4711)
    #expect(pipe.replies().isEmpty)
    asks.withLock { $0 = true }
    while pipe.replies() != RawReply.bytes(unique: 15, error: .interrupted) {
      #expect(await looks.next() == 4711)
    }
    operations.finishOpen(.success(opened))
    #expect(await operations.released() == opened.number)
  }

  @Test("A caller interrupted by a signal that asks for nothing gets its answer")
  func answersWatched() async throws {
    let pipe = try ReplyPipe()
    let operations = GatedOperations()
    let asked = AsyncStream<UInt32>.makeStream()
    let dispatcher = try ColdDispatcher(operations: operations, cacheMode: .read) { thread in
      asked.continuation.yield(thread)
      return false
    }
    dispatcher.channel = pipe.channel
    dispatcher.serve(try open(unique: 16, thread: 4711))
    dispatcher.interrupt(unique: 16)
    var looks = asked.stream.makeAsyncIterator()
    for _ in 0..<2 { #expect(await looks.next() == 4711) }
    operations.finishOpen(.success(opened))
    var reply = pipe.replies()
    while reply.isEmpty {
      await Task.yield()
      reply = pipe.replies()
    }
    #expect(reply == RawReply.bytes(unique: 16, opened: opened))
  }

  /// A request in an entry of a ring and its interrupt come through two reactors.
  @Test("An OPEN whose interrupt came first is answered EINTR at once")
  func interruptedEarly() async throws {
    let pipe = try ReplyPipe()
    let operations = GatedOperations()
    let dispatcher = try ColdDispatcher(operations: operations, cacheMode: .read)
    dispatcher.channel = pipe.channel
    dispatcher.interrupt(unique: 14)
    dispatcher.serve(try open(unique: 14))
    #expect(pipe.replies() == RawReply.bytes(unique: 14, error: .interrupted))
    operations.finishOpen(.success(opened))
    #expect(await operations.released() == opened.number)
  }

  @Test("Closing answers what is left, and a later answer goes nowhere")
  func closes() async throws {
    let pipe = try ReplyPipe()
    let operations = GatedOperations()
    let dispatcher = try ColdDispatcher(operations: operations, cacheMode: .read)
    dispatcher.channel = pipe.channel
    dispatcher.serve(try open(unique: 13))
    dispatcher.close()
    #expect(
      pipe.replies() == RawReply.bytes(unique: 13, error: .operationNotSupportedByDevice))
    operations.finishOpen(.success(opened))
    #expect(await operations.released() == opened.number)
    #expect(pipe.replies().isEmpty)
  }

  private func open(unique: UInt64, thread: UInt32 = 0) throws -> OpenRequest {
    let bytes = RequestBytes.open(unique: unique, node: 2, flags: 0, thread: thread)
    return try #require(unsafe OpenRequest(parsing: bytes.span.bytes))
  }
}
