import Synchronization
import SystemPackage
import Testing

@testable import Reactor

@Suite("A stream of bytes", .timeLimit(.minutes(5)))
struct ByteStreamTests {
  private func text(_ bytes: ArraySlice<UInt8>) -> String { String(decoding: bytes, as: UTF8.self) }

  private func write(_ text: String, to stream: ByteStream) -> Bool {
    stream.write([UInt8](text.utf8)[...])
  }

  @Test("gives what was written, in order, also around its end")
  func order() async throws {
    let stream = ByteStream(capacity: 10)
    for round in 0..<20 {
      #expect(write("ab\(round % 10)", to: stream))
      #expect(write("cde", to: stream))
      #expect(text(try await stream.read(count: 4, waits: false)) == "ab\(round % 10)c")
      stream.settle(taken: 4)
      #expect(text(try await stream.read(count: 9, waits: true)) == "de")
      stream.settle(taken: 2)
    }
    #expect(stream.lostCount == 0)
  }

  @Test("with nothing in it is EAGAIN for who will not wait")
  func empty() async throws {
    let stream = ByteStream(capacity: 10)
    await #expect(throws: Errno.resourceTemporarilyUnavailable) {
      try await stream.read(count: 1, waits: false)
    }
  }

  @Test("keeps what was read until it has arrived")
  func unsettled() async throws {
    let stream = ByteStream(capacity: 10)
    #expect(write("abc", to: stream))
    #expect(text(try await stream.read(count: 2, waits: true)) == "ab")
    stream.settle(taken: 0)
    #expect(text(try await stream.read(count: 3, waits: true)) == "abc")
    stream.settle(taken: 3)
  }

  @Test("wakes a reader that waits")
  func wakes() async throws {
    let stream = ByteStream(capacity: 10)
    let reading = Task { try await stream.read(count: 10, waits: true) }
    await stream.whenWaiting(1)
    #expect(write("x", to: stream))
    #expect(text(try await reading.value) == "x")
  }

  @Test("serves one reader at a time, lets four wait and refuses the fifth with EBUSY")
  func readers() async throws {
    let stream = ByteStream(capacity: 10)
    let first = Task { try await stream.read(count: 1, waits: true) }
    await stream.whenWaiting(1)
    let results = AsyncStream<String>.makeStream()
    for _ in 0..<3 {
      Task {
        let bytes = try await stream.read(count: 1, waits: true)
        results.continuation.yield(text(bytes))
      }
    }
    await stream.whenWaiting(4)
    await #expect(throws: Errno.resourceBusy) { try await stream.read(count: 1, waits: true) }
    #expect(write("ab", to: stream))
    #expect(text(try await first.value) == "a")
    #expect(stream.waitingCount == 3)
    stream.settle(taken: 1)
    var iterator = results.stream.makeAsyncIterator()
    #expect(await iterator.next() == "b")
    stream.close()
    #expect(await iterator.next() == "")
    #expect(await iterator.next() == "")
  }

  @Test("of lines gives one a read, so that nobody takes what another wants")
  func lines() async throws {
    let stream = ByteStream(capacity: 20, readsLines: true)
    #expect(write("one\n", to: stream) && write("two\n", to: stream))
    #expect(text(try await stream.read(count: 20, waits: true)) == "one\n")
    stream.settle(taken: 4)
    #expect(text(try await stream.read(count: 2, waits: true)) == "tw")
    stream.settle(taken: 2)
    #expect(text(try await stream.read(count: 20, waits: true)) == "o\n")
  }

  @Test("ends a wait with EINTR when it is cancelled, and loses nothing by it")
  func cancellation() async throws {
    let stream = ByteStream(capacity: 10)
    let reading = Task { try await stream.read(count: 1, waits: true) }
    await stream.whenWaiting(1)
    reading.cancel()
    await #expect(throws: Errno.interrupted) { try await reading.value }
    #expect(stream.waitingCount == 0)
    #expect(write("a", to: stream))
    #expect(text(try await stream.read(count: 1, waits: true)) == "a")
  }

  @Test("counts records that find no room, and tells of them in their place")
  func losses() async throws {
    let stream = ByteStream(capacity: 12) { [UInt8]("<\($0)>".utf8) }
    #expect(write("0123456789", to: stream))
    #expect(write("abc", to: stream) && write("d", to: stream))
    #expect(stream.lostCount == 2)
    #expect(text(try await stream.read(count: 6, waits: true)) == "012345")
    stream.settle(taken: 6)
    #expect(write("e", to: stream))
    #expect(text(try await stream.read(count: 12, waits: true)) == "6789<2>e")
    stream.settle(taken: 8)
    #expect(write("0123456789ab", to: stream) && write("c", to: stream))
    #expect(text(try await stream.read(count: 12, waits: true)) == "0123456789ab")
    stream.settle(taken: 12)
    #expect(text(try await stream.read(count: 12, waits: false)) == "<1>")
    stream.settle(taken: 3)
    #expect(stream.lostCount == 3)
  }

  @Test("that is finished gives its rest, then its end, and takes no more")
  func finish() async throws {
    let stream = ByteStream(capacity: 10)
    #expect(write("a", to: stream))
    stream.finish()
    #expect(!write("b", to: stream))
    #expect(stream.poll(nil) == (true, false))
    #expect(text(try await stream.read(count: 10, waits: true)) == "a")
    stream.settle(taken: 1)
    #expect(try await stream.read(count: 10, waits: true).isEmpty)
    #expect(stream.poll(nil) == (true, true))
  }

  @Test("tells who polls once, when there is something to read")
  func poll() {
    let stream = ByteStream(capacity: 10)
    let counter = Counter()
    #expect(stream.poll { counter.add() } == (false, false))
    #expect(counter.value == 0)
    #expect(write("a", to: stream) && write("b", to: stream))
    #expect(counter.value == 1)
    #expect(stream.poll { counter.add() } == (true, false))
    #expect(write("c", to: stream))
    #expect(counter.value == 1)
  }

  private final class Counter: Sendable {
    private let count = Atomic(0)
    var value: Int { count.load(ordering: .relaxed) }
    func add() { count.add(1, ordering: .relaxed) }
  }
}

extension ByteStream {
  /// Returns when so many readers wait.
  func whenWaiting(_ count: Int) async {
    while waitingCount != count { await Task.yield() }
  }
}
