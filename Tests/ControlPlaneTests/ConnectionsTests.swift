import ISCSI
import Reactor
import SystemPackage
import Testing

@testable import ControlPlane

/// The connections of a session beyond the first.
struct ConnectionsTests {
  private static let other = Portal(host: "192.0.2.2", port: 3260, targetPortalGroupTag: 1)
  private static let stranger = Portal(host: "192.0.2.3", port: 3260, targetPortalGroupTag: 2)

  private static func refusal(_ detail: UInt8) -> LoginFailure {
    LoginFailure(.refused(LoginStatus(statusClass: 2, detail: detail)), at: "there")
  }

  private func bench(asking count: UInt32) throws -> Bench {
    try Bench(configure: {
      $0.sessionsPerTarget = 1
      $0.operational.maxConnections = count
    })
  }

  private func connectionIDs(_ bench: Bench) -> [UInt16] {
    bench.target?.sessions.first?.connections.map(\.connectionID) ?? []
  }

  @Test("M01 further logins name the session: its ISID and TSIH, CIDs of their own")
  func orders() async throws {
    let bench = try bench(asking: 3)
    bench.reactor.with { $0.numbers.cmdSN = 77 }
    bench.connector.answer(.session(maxConnections: 3, tsih: 0x1234))
    try await bench.logIn(portals: [Bench.portal, Self.stranger, Self.other])
    #expect(await bench.reaches { self.connectionIDs($0) == [1, 2, 3] })
    let orders = bench.connector.orders
    #expect(orders.map(\.connectionID) == [1, 2, 3] && Set(orders.map(\.isid)).count == 1)
    #expect(orders[0].joined == nil)
    for order in orders[1...] {
      #expect(order.joined?.tsih == 0x1234 && order.joined?.cmdSN == 77)
      #expect(order.expectedTargetPortalGroupTag == 1)
    }
    // Spread over the portals of the session's group, and those alone.
    #expect(orders.map(\.portal.host) == ["192.0.2.1", "192.0.2.2", "192.0.2.1"])
    let session = try #require(bench.target?.sessions.first?.handle)
    let joined = bench.reactor.with { $0.joined }
    #expect(joined.map(\.connectionID) == [2, 3] && joined.allSatisfy { $0.session == session })
    #expect(Set(joined.map(\.place) + [session]).count == 3)
    #expect(bench.target?.sessions.count == 1)
  }

  @Test("M02 refused, a session keeps the connections it has", arguments: [0x06, 0x08, 0x0A])
  func refused(detail: UInt8) async throws {
    let bench = try bench(asking: 4)
    bench.connector.answer(
      .session(maxConnections: 4, tsih: 1), .success, .failure(Self.refusal(detail)))
    try await bench.logIn()
    #expect(await bench.reaches { $0.connector.orders.count == 3 })
    for _ in 0..<200 { await ManualClock.pause() }
    #expect(bench.connector.orders.count == 3 && bench.clock.sleeperCount == 0)
    #expect(connectionIDs(bench) == [1, 2] && bench.target?.state == .loggedIn)
  }

  @Test("a connection that fails for another reason is tried again")
  func triedAgain() async throws {
    let bench = try bench(asking: 2)
    bench.connector.answer(
      .session(maxConnections: 2, tsih: 1),
      .failure(LoginFailure(ControlError(.connectionRefused, .transport, "refused"))))
    try await bench.logIn()
    #expect(await bench.reaches { $0.clock.sleeperCount == 1 })
    #expect(bench.target?.state == .loggedIn && connectionIDs(bench) == [1])
    _ = await bench.clock.fireNext()
    #expect(await bench.reaches { self.connectionIDs($0) == [1, 2] })
  }

  @Test("M07 a lost session comes back with the first connection and gets the others again")
  func lost() async throws {
    let bench = try bench(asking: 2)
    bench.connector.answer(.session(maxConnections: 2, tsih: 1))
    try await bench.logIn()
    #expect(await bench.reaches { self.connectionIDs($0) == [1, 2] })
    let session = try #require(bench.target?.sessions.first?.handle)
    bench.connector.answer(.session(maxConnections: 2, tsih: 2))
    bench.reactor.send(.sessionLost(session, .pingTimedOut))
    #expect(await bench.reaches { $0.reactor.with { $0.joined.count } == 2 })
    #expect(await bench.reaches { self.connectionIDs($0) == [1, 2] })
    let orders = bench.connector.orders
    #expect(orders[2].joined == nil && orders[3].joined?.tsih == 2)
    #expect(orders.allSatisfy { $0.isid == orders[0].isid })
    // The place of the lost one was free again.
    let joined = bench.reactor.with { $0.joined }
    #expect(joined.count == 2 && joined[0].place == joined[1].place)
  }

  @Test("M12 a connection that was closed in order comes back when the target may be asked")
  func closed() async throws {
    for connectionID in [1, 2] as [UInt16] {
      let bench = try bench(asking: 2)
      bench.connector.answer(.session(maxConnections: 2, tsih: 1))
      try await bench.logIn()
      #expect(await bench.reaches { self.connectionIDs($0) == [1, 2] })
      let session = try #require(bench.target?.sessions.first?.handle)
      bench.reactor.send(
        .connectionClosed(session, connectionID: connectionID, time2WaitSeconds: 3))
      #expect(await bench.reaches { self.connectionIDs($0) == [3 - connectionID] })
      #expect(await bench.clock.fires(.seconds(3)))
      #expect(await bench.reaches { self.connectionIDs($0).sorted() == [1, 2] })
      let last = try #require(bench.reactor.with { $0.joined }.last)
      #expect(last.connectionID == connectionID)
      #expect((last.place == session) == (connectionID == 1))
      #expect(bench.connector.orders.last?.joined?.tsih == 1)
    }
  }

  @Test("M14 a target with one connection a session is asked for more sessions instead")
  func pool() async throws {
    let bench = try bench(asking: 3)
    bench.connector.answer(.session(maxConnections: 1, tsih: 1))
    try await bench.logIn()
    #expect(await bench.reaches { $0.target?.sessions.count == 3 })
    let orders = bench.connector.orders
    #expect(orders.count == 3 && orders.allSatisfy { $0.joined == nil && $0.connectionID == 1 })
    #expect(Set(orders.map(\.isid)).count == 3)
    #expect(bench.reactor.with { $0.joined }.isEmpty)
  }

  @Test("M16 a logout ends a login of a further connection, and gives all places back")
  func loggedOut() async throws {
    let bench = try bench(asking: 3)
    bench.connector.answer(.session(maxConnections: 3, tsih: 1), .success, .silence)
    try await bench.logIn()
    #expect(await bench.reaches { $0.connector.orders.count == 3 })
    try await bench.initiator.perform(.logout(force: false), target: Bench.targetName)
    #expect(bench.target?.state == .loggedOut)
    #expect(bench.reactor.with { $0.loggedOut }.count == 1)
    bench.connector.answer(.session(maxConnections: 3, tsih: 2))
    try await bench.initiator.perform(.login(nowait: false), target: Bench.targetName)
    #expect(await bench.reaches { self.connectionIDs($0) == [1, 2, 3] })
    // All but one had come back already.
    #expect(bench.reactor.with { $0.joined }.allSatisfy { $0.place.index < 4 })
  }
}
