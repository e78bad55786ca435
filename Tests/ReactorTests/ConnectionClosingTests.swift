import ISCSI
import SCSI
import Testing
import Wire

@testable import Reactor

/// Connections that end in order, one or all.
@Suite("Connections are closed", .bothChannels, .timeLimit(.minutes(5)))
struct ConnectionClosingTests {
  /// A Logout Request as it goes out (RFC 7143, 11.14), laid by hand.
  private func logoutBytes(
    reason: UInt8, connectionID: UInt16, cmdSN: UInt32, expStatSN: UInt32
  ) -> [UInt8] {
    var bytes: [UInt8] = [0x46, 0x80 | reason, 0, 0, 0, 0, 0, 0]
    bytes.appendBigEndian(0 as UInt64)
    bytes.appendBigEndian(Reactor.Tag.logout.rawValue)
    bytes.appendBigEndian(connectionID)
    bytes.appendBigEndian(0 as UInt16)
    bytes.appendBigEndian(cmdSN)
    bytes.appendBigEndian(expStatSN)
    bytes += [UInt8](repeating: 0, count: 16)
    return bytes
  }

  @Test("M10, F14.2 Async 1 on one of two: its tasks end, it is logged out, the other goes on")
  func logoutRequested() async throws {
    let harness = try ReactorHarness()
    let other = try FurtherConnection(harness)
    let uniques = (0..<2).map { harness.read(offset: UInt64($0) * 512, size: 512) }
    let first = try harness.command().view.header
    let second = try other.command().header
    other.sendAsync(.logoutRequested, (1, 0, 5))
    // No new command there, although it has as few as the other.
    let later = (0..<2).map { _ in harness.read(offset: 0, size: 512) }
    #expect(try other.sent() == nil)
    other.sendDataIn(second.initiatorTaskTag, .pattern(512, from: 1))
    #expect(
      harness.reply() == .init(unique: uniques[1], error: 0, payload: .pattern(512, from: 1)))
    let logout = try #require(try other.sent())
    #expect(logout.data.isEmpty)
    // ExpStatSN counts the Async Message and the Data-In of this connection.
    #expect(
      ProtocolDataUnit(header: logout.header).encoded()
        == logoutBytes(reason: 1, connectionID: 1, cmdSN: 54, expStatSN: 502))
    other.sendLogoutResponse(time2Wait: 3)
    #expect(other.isClosed && harness.sessionState == .up)
    harness.sendDataIn(first.initiatorTaskTag, .pattern(512))
    #expect(harness.reply() == .init(unique: uniques[0], error: 0, payload: .pattern(512)))
    for unique in later {
      harness.sendDataIn(try harness.command().view.header.initiatorTaskTag, .pattern(512))
      #expect(harness.reply() == .init(unique: unique, error: 0, payload: .pattern(512)))
    }
    #expect(
      await harness.events() == [
        .connectionClosed(ReactorHarness.session, connectionID: 1, time2WaitSeconds: 3)
      ])
  }

  @Test("M10, F14.2 Async 1 on the first of two: the other carries the session")
  func firstLeaves() async throws {
    let harness = try ReactorHarness()
    let other = try FurtherConnection(harness)
    harness.sendAsync(.logoutRequested, parameters: (0, 0, 1))
    let logout = try #require(try harness.sent())
    #expect(
      ProtocolDataUnit(header: logout.header).encoded()
        == logoutBytes(reason: 1, connectionID: 0, cmdSN: 50, expStatSN: 101))
    harness.sendLogoutResponse(to: logout)
    #expect(harness.sessionState == .up)
    let unique = harness.read(offset: 0, size: 512)
    other.sendDataIn(try other.command().header.initiatorTaskTag, .pattern(512))
    #expect(harness.reply() == .init(unique: unique, error: 0, payload: .pattern(512)))
    // The place is free for a connection with the same CID.
    let again = try FurtherConnection(harness, connectionID: 0, place: 5)
    for _ in 0..<2 { _ = harness.read(offset: 0, size: 512) }
    #expect(try again.command().header.opcode == .scsiCommand)
    #expect(try other.command().header.opcode == .scsiCommand)
  }

  @Test("M10, F20.3 Async 3 on one closes them all; Async 2 the session where it is one of its own")
  func dropped() async throws {
    for (event, connectionID, isLost) in [
      (AsyncMessage.Event.allConnectionsDropped, 7, true), (.connectionDropped, 0, true),
      (.connectionDropped, 7, false),
    ] as [(AsyncMessage.Event, UInt16, Bool)] {
      let harness = try ReactorHarness()
      let other = try FurtherConnection(harness)
      other.sendAsync(event, (connectionID, 1, 2))
      #expect(harness.sessionState == (isLost ? .lost : .up))
      #expect(other.isClosed == isLost)
      let lost: [ReactorEvent] = [
        .sessionLost(ReactorHarness.session, .requestedByTarget(time2WaitSeconds: 1))
      ]
      #expect(await harness.events() == (isLost ? lost : []))
    }
  }

  @Test("M12 one is logged out with a task that does not end: it is sent again on the other")
  func amidTasks() async throws {
    let harness = try ReactorHarness()
    let other = try FurtherConnection(harness)
    _ = harness.read(offset: 0, size: 512)
    let unique = harness.write(offset: 4096, .pattern(512))
    _ = try harness.command()
    #expect(try other.command().header.cmdSN.rawValue == 51)
    let outcome: ConnectionClosing = try await harness.told(
      { .closeConnection(ReactorHarness.session, 1, $0) },
      meanwhile: {
        harness.advance(milliseconds: 4900)
        let early = try other.sent()
        #expect(early == nil || early?.header.opcode == .nopOut)
        harness.advance(milliseconds: 300)
        var logout = try #require(try other.sent())
        while logout.header.opcode == .nopOut { logout = try #require(try other.sent()) }
        #expect(
          ProtocolDataUnit(header: logout.header).encoded()
            == logoutBytes(reason: 1, connectionID: 1, cmdSN: 52, expStatSN: 500))
        other.sendLogoutResponse(expCmdSN: 52)
      })
    #expect(outcome == .closed && other.isClosed && harness.sessionState == .up)
    var again = try #require(try harness.sent())
    while again.header.opcode == .nopOut { again = try #require(try harness.sent()) }
    #expect(again.header.cmdSN.rawValue == 52 && again.data == .pattern(512))
    harness.sendResponse(again.header.initiatorTaskTag)
    #expect(harness.reply() == .init(unique: unique, error: 0, payload: .accepted(512)))
  }

  @Test("M12 what the target of a closed connection had not delivered fills its hole on the other")
  func undelivered() async throws {
    let harness = try ReactorHarness()
    let other = try FurtherConnection(harness)
    let uniques = (0..<4).map { harness.write(offset: $0 * 512, .pattern(512, from: Int($0))) }
    let kept = [try harness.command().unit, try harness.command().unit]
    let closed = [try #require(try other.sent()), try #require(try other.sent())]
    #expect(closed.map(\.header.cmdSN.rawValue) == [51, 53])
    other.sendAsync(.logoutRequested, (1, 0, 0))
    #expect(try other.sent()?.header.opcode == .logoutRequest)
    // 50 and 51 have arrived in order, 52 has not: 53 is discarded (RFC 7143, 11.14).
    other.sendLogoutResponse(expCmdSN: 52, time2Wait: 3)
    let again = [try #require(try harness.sent()), try #require(try harness.sent())]
    // The one as it was, the other as a new command.
    #expect(again.map(\.header.cmdSN.rawValue) == [53, 54])
    #expect(again[0].header.initiatorTaskTag == closed[1].header.initiatorTaskTag)
    #expect(again.map(\.data) == [closed[1].data, closed[0].data])
    let answers = [(kept[0], 0), (kept[1], 2), (again[0], 3), (again[1], 1)]
    for (unit, number) in answers {
      harness.sendResponse(unit.header.initiatorTaskTag)
      #expect(harness.reply() == .init(unique: uniques[number], error: 0, payload: .accepted(512)))
    }
    #expect(harness.inFlightCount(5) == 0 && harness.busySlots == 0)
    #expect(
      await harness.events() == [
        .connectionClosed(ReactorHarness.session, connectionID: 1, time2WaitSeconds: 3)
      ])
  }

  @Test("M12 a connection that is not there, or is the only one, is not closed by itself")
  func refusals() async throws {
    let harness = try ReactorHarness()
    for (connectionID, expected): (UInt16, ConnectionClosing) in [
      (0, .isLast), (1, .notConnected),
    ] {
      let outcome: ConnectionClosing = try await harness.told(
        { .closeConnection(ReactorHarness.session, connectionID, $0) }, meanwhile: {})
      #expect(outcome == expected)
    }
  }

  @Test("M12 a target that will not close one, or says nothing, loses the session")
  func refusedByTarget() async throws {
    for isSilent in [true, false] {
      let harness = try ReactorHarness()
      let other = try FurtherConnection(harness)
      let outcome: ConnectionClosing = try await harness.told(
        { .closeConnection(ReactorHarness.session, 1, $0) },
        meanwhile: {
          let logout = try #require(try other.sent())
          #expect(logout.header.opcode == .logoutRequest)
          if isSilent {
            harness.advance(milliseconds: 15_000)
          } else {
            other.sendLogoutResponse(.cleanupFailed)
          }
        })
      #expect(outcome == .sessionLost && harness.sessionState == .lost)
    }
  }

  @Test("M16 the logout of a session closes all its connections, in whatever order they end")
  func sessionLogout() async throws {
    for closesOtherFirst in [true, false] {
      let harness = try ReactorHarness()
      var other: FurtherConnection? = try FurtherConnection(harness)
      try await harness.told(
        { .logout(ReactorHarness.session, $0) },
        meanwhile: {
          let logout = try #require(try harness.sent())
          #expect(
            ProtocolDataUnit(header: logout.header).encoded()
              == logoutBytes(reason: 0, connectionID: 0, cmdSN: 50, expStatSN: 100))
          let unasked = try other?.sent()
          #expect(unasked == nil)
          if closesOtherFirst {
            other = nil
            harness.turn()
            #expect(harness.sessionState == .loggingOut)
          }
          harness.sendLogoutResponse(to: logout)
          #expect(harness.sessionState == .free)
        })
      if let other { #expect(other.isClosed) }
      #expect(harness.connectionState(9) == .closed)
      #expect(await harness.events().isEmpty)
    }
  }

  @Test("M16 a reset answered amid a logout, when another connection has gone, ends tasks once")
  func resetAmidLogout() async throws {
    let harness = try ReactorHarness(timeouts: SessionTimeouts(pingIntervalMilliseconds: 0))
    var other: FurtherConnection? = try FurtherConnection(harness)
    for block in 0..<2 as Range<UInt64> { _ = harness.read(offset: block * 512, size: 512) }
    _ = try harness.command()
    _ = try other?.command()
    harness.advance(milliseconds: 30_250)
    _ = try harness.management(.abortTask)
    harness.advance(milliseconds: 15_000)
    let reset = try harness.management(.logicalUnitReset)
    try await harness.told(
      { .logout(ReactorHarness.session, $0) },
      meanwhile: {
        let logout = try #require(try harness.sent())
        other = nil
        harness.turn()
        harness.sendManaged(reset, .functionComplete)
        #expect(harness.sessionState == .loggingOut)
        harness.sendLogoutResponse(to: logout)
        #expect(harness.sessionState == .free)
      })
  }
}
