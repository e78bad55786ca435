import ISCSI
import LinuxIO
import Reactor
import Synchronization
import SystemPackage
import TargetSimulator
import Testing

@testable import ControlPlane

/// Coming back to a portal given by name while nobody answers for names.
@Suite("No name service on the way back", .timeLimit(.minutes(5)))
struct KnownAddressTests {
  private static let target = "iqn.2026-01.test:disk"

  /// What was asked of the name service, and how long it was given.
  private final class Asked: Sendable {
    private let questions = Mutex<[UInt64]>([])

    var milliseconds: [UInt64] { questions.withLock { $0 } }

    /// A name service that never answers: a second of asking is over at once here.
    func nothing() -> HostLookup {
      { [self] (_, _, deadline, _) throws(ResolverError) in
        questions.withLock { $0.append(MonotonicTime.now.milliseconds(until: deadline)) }
        throw .timedOut
      }
    }

    func always(_ host: String) -> HostLookup {
      { [self] (_, port, deadline, _) throws(ResolverError) in
        questions.withLock { $0.append(MonotonicTime.now.milliseconds(until: deadline)) }
        guard let found = Resolver.numeric(host: host, port: port) else { throw .notFound }
        return found
      }
    }
  }

  private func order(_ port: UInt16, known host: String?, isFirst: Bool = true) -> LoginOrder {
    var order = LoginOrder(
      targetName: Self.target, portal: Portal(host: "storage.test", port: port),
      isid: ISID(random: 1, qualifier: 1))
    guard let host else { return order }
    var known = KnownAddresses()
    known.note(host, for: order.portal)
    known.isFirst = isFirst
    order.knownAddresses = known
    return order
  }

  /// Where the login ended, or its failure.
  private func logIn(_ order: LoginOrder, _ lookUp: @escaping HostLookup) async throws -> String {
    let settings = InitiatorSettings(
      initiatorName: "iqn.2026-01.test:initiator", isidRandom: 0x123456)
    let driver = LoginDriver(
      pool: try BlockingPool(name: "test", threadCount: 1, capacity: 2), lookUp: lookUp)
    do throws(LoginFailure) {
      let connection = try await driver.logIn(order, settings: settings)
      return connection.facts.ends.address
    } catch {
      return error.error.sentence
    }
  }

  private func server() throws -> SimulatorServer {
    try SimulatorServer(SimulatedPortal(targets: [SimulatedTarget(name: Self.target)]))
  }

  @Test("A known address is gone to without a question")
  func known() async throws {
    let server = try server()
    defer { server.stop() }
    let asked = Asked()
    #expect(
      try await logIn(order(server.port, known: "127.0.0.1"), asked.nothing()) == "127.0.0.1")
    #expect(asked.milliseconds == [])
  }

  @Test("Where nobody answers at it the name is asked for, for a second at most")
  func moved() async throws {
    let server = try server()
    defer { server.stop() }
    let asked = Asked()
    // Nobody listens at that port of 127.0.0.9.
    let lost = order(server.port, known: "127.0.0.9")
    #expect(try await logIn(lost, asked.always("127.0.0.1")) == "127.0.0.1")
    #expect(asked.milliseconds.count == 1 && asked.milliseconds[0] <= 1000)
    let silent = Asked()
    #expect(try await logIn(lost, silent.nothing()).hasSuffix("connection refused"))
    #expect(silent.milliseconds.count == 1 && silent.milliseconds[0] <= 1000)
  }

  @Test("Every other round asks first, and goes to the known address when nobody answers")
  func asks() async throws {
    let server = try server()
    defer { server.stop() }
    let asked = Asked()
    let lost = order(server.port, known: "127.0.0.1", isFirst: false)
    #expect(try await logIn(lost, asked.nothing()) == "127.0.0.1")
    #expect(asked.milliseconds.count == 1 && asked.milliseconds[0] <= 1000)
    let other = order(server.port, known: "127.0.0.9", isFirst: false)
    #expect(try await logIn(other, asked.always("127.0.0.1")) == "127.0.0.1")
  }

  @Test("A first login waits for the name as long as it may")
  func first() async throws {
    let server = try server()
    defer { server.stop() }
    let asked = Asked()
    let first = order(server.port, known: nil)
    #expect(try await logIn(first, asked.always("127.0.0.1")) == "127.0.0.1")
    #expect(asked.milliseconds.count == 1 && asked.milliseconds[0] > 1000)
  }

  @Test("A lost session's tries know where it was, and a first login asks")
  func recovery() async throws {
    let bench = try Bench()
    let portal = Portal(host: "storage.test", port: 3260, targetPortalGroupTag: 1)
    try await bench.logIn(portals: [portal])
    let session = try #require(bench.target?.sessions.first?.handle)
    bench.connector.answer(
      .failure(LoginFailure(ControlError(.connectionRefused, .transport, "refused"))))
    bench.reactor.send(.sessionLost(session, .connectionClosed))
    #expect(await bench.clock.fires(.seconds(1)))
    #expect(await bench.reaches { $0.target?.state == .loggedIn })
    let known = bench.connector.orders.map(\.knownAddresses)
    #expect(known.count == 3 && known[0] == nil)
    #expect(
      known.dropFirst().map { $0?.address(of: portal)?.description }
        == ["192.0.2.1:3260", "192.0.2.1:3260"])
    #expect(known.dropFirst().map { $0?.isFirst } == [true, false])
  }

  @Test("A portal given by number has no known address; many names are not kept for ever")
  func bounds() {
    var known = KnownAddresses()
    let number = Portal(host: "192.0.2.1", port: 3260)
    known.note("192.0.2.1", for: number)
    #expect(known.address(of: number) == nil)
    for name in 0..<1000 {
      let portal = Portal(host: "host\(name).test", port: 3260)
      known.note("192.0.2.7", for: portal)
      #expect(known.address(of: portal)?.host == "192.0.2.7")
    }
    #expect(known.count <= KnownAddresses.limit)
  }
}
