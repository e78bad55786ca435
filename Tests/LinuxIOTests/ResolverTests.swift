import Synchronization
import Testing

@testable import LinuxIO

/// Hosts by number and by name.
struct ResolverTests {
  private var soon: MonotonicTime { .now.advanced(milliseconds: 10_000) }

  @Test func numericIPv4NeedsNoNameService() throws {
    let found = try Resolver.resolve(host: "192.0.2.7", port: 3260, deadline: soon)
    #expect(found.map(\.description) == ["192.0.2.7:3260"])
  }

  @Test func numericIPv6IsShownInBrackets() throws {
    let found = try Resolver.resolve(host: "2001:db8::1", port: 860, deadline: soon)
    #expect(found.map(\.description) == ["[2001:db8::1]:860"])
    #expect(found.first?.host == "2001:db8::1")
  }

  @Test func nameOfThisMachineIsLoopback() throws {
    let found = try Resolver.resolve(host: "localhost", port: 1, deadline: soon)
    #expect(found.contains { $0.host == "127.0.0.1" || $0.host == "::1" })
  }

  /// RFC 6761, 6.4: nothing below `.invalid` exists; without a name service it cannot be asked.
  @Test func unknownNameIsAnError() {
    do {
      _ = try Resolver.resolve(host: "no-such-host.invalid", port: 1, deadline: soon)
      Issue.record("the name was found")
    } catch {
      #expect([.notFound, .temporaryFailure, .timedOut].contains(error))
    }
  }

  @Test("A lookup somebody has left goes on, and answers who asks next, others' lookups or not")
  func leftLookupIsJoined() throws {
    let count = Atomic(0)
    let gate = try EventDescriptor()
    func ask(until deadline: MonotonicTime) throws(ResolverError) -> [SocketAddress] {
      try Resolver.resolve(host: "left.test", port: 7, deadline: deadline, cancellation: nil) {
        (_, port) throws(ResolverError) in
        count.add(1, ordering: .relaxed)
        _ = gate.wait(milliseconds: 20_000)
        guard let found = Resolver.numeric(host: "192.0.2.7", port: port) else { throw .notFound }
        return found
      }
    }
    // More than there may be lookups.
    for _ in 0..<(2 * Resolver.lookupLimit) {
      #expect(throws: ResolverError.timedOut) { try ask(until: .now) }
    }
    gate.signal()
    for index in 0..<50 {
      let other = try Resolver.resolve(
        host: "other-\(index).test", port: 7, deadline: soon, cancellation: nil
      ) { (_, port) throws(ResolverError) in
        guard let found = Resolver.numeric(host: "192.0.2.8", port: port) else { throw .notFound }
        return found
      }
      #expect(other.map(\.description) == ["192.0.2.8:7"])
    }
    #expect(try ask(until: soon).map(\.description) == ["192.0.2.7:7"])
    #expect(count.load(ordering: .relaxed) == 1)
    // Whoever asks later has it looked up anew.
    #expect(try ask(until: soon).map(\.description) == ["192.0.2.7:7"])
    #expect(count.load(ordering: .relaxed) == 2)
  }

  @Test func cancelledLookupIsLeft() throws {
    let signal = try CancellationSignal()
    signal.cancel()
    #expect(throws: ResolverError.cancelled) {
      _ = try Resolver.resolve(
        host: "no-such-host.invalid", port: 1, deadline: soon, cancellation: signal)
    }
  }
}
