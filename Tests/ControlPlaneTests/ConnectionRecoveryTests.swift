import ISCSI
import Reactor
import SystemPackage
import Testing

@testable import ControlPlane

/// A session's only connection is lost, and the target keeps its tasks (ErrorRecoveryLevel 2).
struct ConnectionRecoveryTests {
  private static func refusal(_ detail: UInt8) -> LoginFailure {
    LoginFailure(.refused(LoginStatus(statusClass: 2, detail: detail)), at: "there")
  }

  private static let unreached = LoginFailure(
    ControlError(.connectionRefused, .transport, "refused"))

  /// A session with handle 0x1234, whose only connection is lost.
  private func lost(
    answers: FakeConnector.Answer...
  ) async throws -> (bench: Bench, session: SessionHandle) {
    let bench = try Bench(configure: { $0.sessionsPerTarget = 1 })
    bench.reactor.with { $0.numbers.cmdSN = 77 }
    bench.connector.answer(.session(maxConnections: 1, tsih: 0x1234))
    try await bench.logIn()
    let session = try #require(bench.target?.sessions.first?.handle)
    for answer in answers { bench.connector.answer(answer) }
    bench.reactor.send(.lastConnectionLost(session, .connectionClosed))
    return (bench, session)
  }

  @Test("E16, M13 it is logged in again with the session's TSIH and its own CID")
  func rejoined() async throws {
    let (bench, session) = try await lost()
    // It may be back before anybody looks.
    #expect(
      await bench.reaches { $0.connector.orders.count == 2 && $0.target?.state == .loggedIn })
    let orders = bench.connector.orders
    #expect(orders.count == 2 && orders[1].isid == orders[0].isid)
    #expect(orders[1].joined?.tsih == 0x1234 && orders[1].joined?.cmdSN == 77)
    #expect(orders[1].connectionID == orders[0].connectionID)
    #expect(orders[1].expectedTargetPortalGroupTag == 1)
    #expect(bench.reactor.with { $0.rejoined } == [session])
    #expect(bench.reactor.with { $0.started } == [session, session])
    // Whose units are there was asked before LUNs' commands were let go.
    #expect(bench.reactor.with { $0.held }.isEmpty)
  }

  @Test("E13 refused, the session is made anew at once", arguments: [0x0A, 0x08, 0x00])
  func refused(detail: UInt8) async throws {
    let (bench, _) = try await lost(answers: .failure(Self.refusal(detail)))
    #expect(await bench.reaches { $0.connector.orders.count == 3 })
    #expect(await bench.reaches { $0.target?.state == .loggedIn })
    let orders = bench.connector.orders
    #expect(orders[1].joined != nil && orders[2].joined == nil)
    #expect(orders[2].isid == orders[0].isid)
    #expect(bench.clock.sleeperCount == 0)
    #expect(bench.reactor.with { $0.rejoined }.isEmpty)
  }

  @Test("E13 where nobody answers it is tried again, and after Time2Retain as a new session")
  func tooLate() async throws {
    let (bench, _) = try await lost()
    for _ in 0..<20 { bench.connector.answer(.failure(Self.unreached)) }
    for second in 1...20 {
      #expect(await bench.reaches { $0.connector.orders.count == 1 + second })
      #expect(bench.connector.orders[second].joined?.tsih == 0x1234)
      #expect(await bench.clock.fires(.seconds(1)))
    }
    #expect(await bench.reaches { $0.target?.state == .loggedIn })
    #expect(bench.connector.orders.count == 22 && bench.connector.orders[21].joined == nil)
  }

  @Test("E13 the tasks given up, whoever says so: the session is made anew")
  func givenUp() async throws {
    let (bench, session) = try await lost(answers: .failure(Self.unreached))
    #expect(await bench.reaches { $0.connector.orders.count == 2 })
    bench.reactor.send(.sessionLost(session, .notReassigned))
    // Nothing shows that it has been taken note of.
    for _ in 0..<200 { await ManualClock.pause() }
    #expect(await bench.clock.fires(.seconds(1)))
    #expect(await bench.reaches { $0.connector.orders.count == 3 })
    #expect(bench.connector.orders[2].joined == nil)
  }

  @Test("E13 the loss of one of several is told, and the connection comes back after its logout")
  func oneOfSeveral() async throws {
    let bench = try Bench(configure: {
      $0.sessionsPerTarget = 1
      $0.operational.maxConnections = 2
    })
    bench.connector.answer(.session(maxConnections: 2, tsih: 1))
    try await bench.logIn()
    #expect(await bench.reaches { $0.target?.sessions.first?.connections.count == 2 })
    let session = try #require(bench.target?.sessions.first?.handle)
    bench.reactor.send(.connectionLost(session, connectionID: 2, .pingTimedOut))
    bench.reactor.send(.connectionClosed(session, connectionID: 2, time2WaitSeconds: 0))
    #expect(await bench.reaches { $0.target?.sessions.first?.connections.count == 1 })
    #expect(bench.target?.state == .loggedIn)
    #expect(await bench.clock.fires(.seconds(1)))
    #expect(await bench.reaches { $0.target?.sessions.first?.connections.count == 2 })
    #expect(bench.connector.orders.count == 3 && bench.connector.orders[2].joined?.tsih == 1)
  }
}
