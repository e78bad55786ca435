import FUSE
import Glibc
import ISCSI
import SCSI
import Testing

@testable import Reactor

@Suite("Several sessions of a LUN", .bothChannels, .timeLimit(.minutes(5)))
struct PoolTests {
  private static let second = SessionHandle(index: 6, generation: 1)

  private func harness() throws -> ReactorHarness {
    try ReactorHarness { $0.sessions = [ReactorHarness.session, Self.second] }
  }

  @Test("take requests by turns: the one with the fewest tasks is next")
  func balance() throws {
    let harness = try harness()
    let other = try harness.startSilent(Self.second)
    defer { close(other) }
    for index in 0..<6 { _ = harness.read(offset: UInt64(index) * 512, size: 512) }
    #expect(harness.inFlightCount(5) == 3 && harness.inFlightCount(6) == 3)
    harness.sendDataIn(try harness.command().view.header.initiatorTaskTag, .pattern(512))
    _ = harness.read(offset: 0, size: 512)
    #expect(harness.inFlightCount(5) == 3 && harness.inFlightCount(6) == 3)
  }

  @Test("E02, P8: a lost one's tasks wait for it, new requests go to the other")
  func lost() throws {
    let harness = try harness()
    let other = try harness.startSilent(Self.second)
    defer { close(other) }
    let unique = harness.write(offset: 0, .pattern(512))
    _ = try harness.command()
    try harness.closeTarget()
    #expect(harness.inFlightCount(6) == 0)
    _ = harness.read(offset: 0, size: 512)
    #expect(harness.inFlightCount(6) == 1)
    try harness.reconnect()
    let again = try harness.command()
    #expect(again.view.isWrite)
    harness.sendResponse(again.view.header.initiatorTaskTag)
    #expect(harness.reply() == .init(unique: unique, error: 0, payload: .accepted(512)))
  }

  @Test("all lost: what comes waits for one that may still come back, not for an expired one")
  func expired() throws {
    let harness = try harness()
    let other = try harness.startSilent(Self.second)
    try harness.closeTarget()
    harness.advance(milliseconds: 119_000)
    close(other)
    harness.turn()
    harness.advance(milliseconds: 1_500)
    let unique = harness.read(offset: 0, size: 512)
    #expect(harness.reply() == nil)
    harness.advance(milliseconds: 118_500)
    #expect(harness.reply() == .init(unique: unique, error: -ENOLINK, payload: []))
  }

  /// The target may have lost its power meanwhile, and the first one's end not be heard of yet.
  @Test("E29, P1: a flush is not believed for what was written while a session was away")
  func returned() throws {
    let harness = try harness()
    close(try harness.startSilent(Self.second))
    harness.turn()
    let write = harness.write(offset: 0, .pattern(512))
    try harness.serve(.write16)
    #expect(harness.reply() == .init(unique: write, error: 0, payload: .accepted(512)))
    let other = try harness.startSilent(Self.second)
    defer { close(other) }
    let flush = harness.request(.fsync)
    try harness.serve(.synchronizeCache16)
    harness.sendDataIn(try harness.command().view.header.initiatorTaskTag, .pattern(512))
    #expect(harness.reply() == .init(unique: flush, error: 0, payload: []))
  }

  @Test("E29, P1: nor for what was written before it joined")
  func joined() throws {
    let harness = try ReactorHarness()
    let write = harness.write(offset: 0, .pattern(512))
    try harness.serve(.write16)
    #expect(harness.reply() == .init(unique: write, error: 0, payload: .accepted(512)))
    let other = try harness.startSilent(Self.second)
    defer { close(other) }
    harness.registration.sessions.append(Self.second)
    harness.port.expose(ReactorHarness.unit, harness.registration)
    let flush = harness.request(.fsync)
    try harness.serve(.synchronizeCache16)
    harness.sendDataIn(
      try harness.command().view.header.initiatorTaskTag, [UInt8](repeating: 0, count: 512))
    #expect(harness.reply() == .init(unique: flush, error: -EIO, payload: []))
  }

  /// Two sessions, of which the first has a write in flight and one that waits; the second's target
  /// stays silent at this end.
  private func twoWrites() throws -> (harness: ReactorHarness, other: CInt, uniques: [UInt64]) {
    let harness = try ReactorHarness(timeouts: SessionTimeouts(commandsMaximum: 1)) {
      $0.sessions = [ReactorHarness.session, Self.second]
    }
    let other = try harness.startSilent(Self.second)
    let uniques = (0..<4).map { harness.write(offset: $0 * 512, .pattern(512)) }
    _ = try harness.command()
    #expect(harness.queuedCount(5) == 1 && harness.queuedCount(6) == 1)
    return (harness, other, uniques)
  }

  @Test("one is logged out: what waits goes to the other at once, what it had after the response")
  func loggedOut() async throws {
    let (harness, other, uniques) = try twoWrites()
    defer { close(other) }
    try await harness.told(
      { .logout(ReactorHarness.session, $0) },
      meanwhile: {
        let logout = try #require(try harness.sent())
        #expect(harness.queuedCount(5) == 0 && harness.queuedCount(6) == 2)
        harness.sendLogoutResponse(to: logout)
      })
    #expect(harness.queuedCount(6) == 3 && harness.reply() == nil)
    // The other ends too: nobody is left to send them.
    try await harness.told(
      { .logout(Self.second, $0) },
      meanwhile: {
        shutdown(other, CInt(SHUT_RDWR))
        harness.turn()
      })
    let replies = uniques.map { _ in harness.reply() }
    #expect(Set(replies.compactMap { $0?.unique }) == Set(uniques))
    #expect(replies.allSatisfy { $0?.error == -ENOTCONN })
  }

  @Test("E02: a logout without its response leaves what was in flight with nobody to send it to")
  func brokenLogout() async throws {
    for response in [1, 3] as [UInt8] {
      let (harness, other, uniques) = try twoWrites()
      defer { close(other) }
      let end = try await harness.told(
        { .logout(ReactorHarness.session, $0) },
        meanwhile: {
          harness.sendLogoutResponse(to: try #require(try harness.sent()), code: response)
        })
      #expect(end == .unproven)
      #expect(harness.reply() == .init(unique: uniques[0], error: -ENOTCONN, payload: []))
      #expect(harness.reply() == nil && harness.queuedCount(6) == 2)
    }
  }

  @Test("E02: a lost one that is given up keeps from the other what may still run")
  func lostThenLoggedOut() async throws {
    let (harness, other, uniques) = try twoWrites()
    defer { close(other) }
    try harness.closeTarget()
    let end = await withCheckedContinuation { continuation in
      harness.port.lane(0).submit(.logout(ReactorHarness.session, continuation))
      harness.turn()
    }
    #expect(end == .unproven)
    #expect(harness.reply() == .init(unique: uniques[0], error: -ENOTCONN, payload: []))
    #expect(harness.reply() == nil && harness.queuedCount(6) == 2)
  }
}

extension ReactorHarness {
  /// Commands that wait to be sent on the session at `index`.
  func queuedCount(_ index: Int) -> Int { reactor.sessions[index].pending.count }
}
