import LinuxIO
import Testing

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

  @Test func cancelledLookupIsLeft() throws {
    let signal = try CancellationSignal()
    signal.cancel()
    #expect(throws: ResolverError.cancelled) {
      _ = try Resolver.resolve(
        host: "no-such-host.invalid", port: 1, deadline: soon, cancellation: signal)
    }
  }
}
