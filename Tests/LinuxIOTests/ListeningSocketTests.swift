import LinuxIO
import Testing

@Suite("Listening on loopback")
struct ListeningSocketTests {
  private func accepted(
    by listener: borrowing ListeningSocket
  ) throws -> NonblockingSocket {
    let ready = PollEntry.wait(
      for: [PollEntry(listener.descriptor, reads: true)], timeoutMilliseconds: 5_000)
    #expect(ready[0].reads)
    let accepted = listener.accept()
    return try #require(accepted)
  }

  private func connected(to listener: borrowing ListeningSocket, host: String) throws
    -> StreamSocket
  {
    let deadline = MonotonicTime.now.advanced(milliseconds: 5_000)
    let addresses = try Resolver.resolve(host: host, port: listener.port, deadline: deadline)
    return try StreamSocket(connectingTo: addresses[0], deadline: deadline)
  }

  @Test("bytes go both ways, and the end of the stream is told", arguments: [false, true])
  func conversation(isIPv6: Bool) throws {
    let listener = try ListeningSocket(loopbackPort: 0, isIPv6: isIPv6)
    let isEarly = listener.accept() != nil
    #expect(!isEarly)
    let client = try connected(to: listener, host: isIPv6 ? "::1" : "127.0.0.1")
    let server = try accepted(by: listener)
    let deadline = MonotonicTime.now.advanced(milliseconds: 5_000)
    var buffer = [UInt8](repeating: 0, count: 8)
    #expect(server.receive(into: &buffer) == .wouldBlock)
    try client.sendAll([1, 2, 3], deadline: deadline)
    _ = PollEntry.wait(
      for: [PollEntry(server.descriptor, reads: true)], timeoutMilliseconds: 5_000)
    #expect(server.receive(into: &buffer) == .moved(3))
    #expect(buffer[..<3] == [1, 2, 3])
    #expect(server.send([9, 4, 5], from: 1) == .moved(2))
    #expect(try client.receive(maximumCount: 8, deadline: deadline) == [4, 5])
    server.finishSending()
    #expect(try client.receive(maximumCount: 8, deadline: deadline) == [])
  }

  @Test("a port that is taken is refused")
  func taken() throws {
    let listener = try ListeningSocket(loopbackPort: 0, isIPv6: false)
    #expect(throws: (any Error).self) {
      _ = try ListeningSocket(loopbackPort: listener.port, isIPv6: false).port
    }
  }

  @Test("a reset is one for the peer")
  func reset() throws {
    let listener = try ListeningSocket(loopbackPort: 0, isIPv6: false)
    let client = try connected(to: listener, host: "127.0.0.1")
    try accepted(by: listener).resetOnClose()
    #expect(throws: (any Error).self) {
      _ = try client.receive(
        maximumCount: 8, deadline: MonotonicTime.now.advanced(milliseconds: 5_000))
    }
  }
}
