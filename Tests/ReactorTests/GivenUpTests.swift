import FUSE
import Glibc
import ISCSI
import LogicalUnit
import SCSI
import SystemPackage
import Testing
import Wire

@testable import Reactor

/// Found by the simulation: who has been answered is out of the way of those who come later.
@Suite("A caller that is given up", .bothChannels, .timeLimit(.minutes(5)))
struct GivenUpTests {
  private static let second = SessionHandle(index: 6, generation: 1)

  @Test("E03, P2: while its write is at the target, no later one of these blocks is sent")
  func rangeIsKept() throws {
    let harness = try ReactorHarness()
    let old = harness.write(offset: 0, .pattern(1024))
    let task = try harness.command().view.header.initiatorTaskTag
    harness.giveUp(old)
    let new = harness.write(offset: 512, .pattern(1024, from: 7))
    #expect(try harness.sent() == nil)
    let elsewhere = harness.write(offset: 4096, .pattern(512))
    harness.sendResponse(try harness.command().view.header.initiatorTaskTag)
    #expect(harness.reply()?.unique == elsewhere)
    harness.sendResponse(task)
    harness.sendResponse(try harness.command().view.header.initiatorTaskTag)
    #expect(harness.reply() == .init(unique: new, error: 0, payload: .accepted(1024)))
    #expect(harness.busySlots == 0)
  }

  @Test("E02, P8: nor over another session, before the lost one's nexus is dead")
  func otherSession() throws {
    let harness = try ReactorHarness { $0.sessions = [ReactorHarness.session, Self.second] }
    let old = harness.write(offset: 0, .pattern(512))
    let other = try harness.startSilent(Self.second)
    defer { close(other) }
    _ = try harness.command()
    harness.giveUp(old)
    try harness.closeTarget()
    _ = harness.write(offset: 0, .pattern(512, from: 3))
    #expect(harness.inFlightCount(6) == 0)
    // The handover comes after the login that ended the old tasks; commands may still be held.
    try harness.reconnect(isHeld: true)
    #expect(harness.inFlightCount(6) == 1)
    #expect(harness.busySlots == 1)
  }

  @Test("E02, P8: the same when it is given up while it waits for the lost session")
  func parked() throws {
    let harness = try ReactorHarness { $0.sessions = [ReactorHarness.session, Self.second] }
    let old = harness.write(offset: 0, .pattern(512))
    let other = try harness.startSilent(Self.second)
    defer { close(other) }
    _ = try harness.command()
    try harness.closeTarget()
    harness.giveUp(old)
    _ = harness.write(offset: 0, .pattern(512, from: 3))
    #expect(harness.inFlightCount(6) == 0)
    try harness.reconnect(isHeld: true)
    #expect(harness.inFlightCount(6) == 1)
    #expect(harness.busySlots == 1)
  }

  @Test("E02, P2: one that was only reading the blocks at its edges keeps nothing")
  func reading() throws {
    let harness = try ReactorHarness { $0.sessions = [ReactorHarness.session, Self.second] }
    let old = harness.write(offset: 10, [1])
    let other = try harness.startSilent(Self.second)
    defer { close(other) }
    #expect(try harness.command().view.isRead)
    harness.giveUp(old)
    try harness.closeTarget()
    #expect(harness.busySlots == 0)
    _ = harness.write(offset: 0, .pattern(512, from: 3))
    #expect(harness.inFlightCount(6) == 1)
  }

  @Test("E02, P2: nor one that was zeroing and only reads a block at its edge")
  func readingEdge() throws {
    let harness = try ReactorHarness {
      ReactorHarness.thin(&$0)
      $0.sessions = [ReactorHarness.session, Self.second]
    }
    let old = harness.punch(10, 4 * 512)
    try harness.serve(.writeSame16)
    #expect(try harness.command().view.isRead)
    let other = try harness.startSilent(Self.second)
    defer { close(other) }
    harness.giveUp(old)
    try harness.closeTarget()
    #expect(harness.busySlots == 0)
    _ = harness.write(offset: 0, .pattern(512, from: 3))
    #expect(harness.inFlightCount(6) == 1)
  }

  /// A harness with a write at the target of a session that is lost, and another session whose
  /// target is silent, without pings; returns the write, and the other target's end.
  private func lost() throws -> (harness: ReactorHarness, old: UInt64, other: CInt) {
    let harness = try ReactorHarness(timeouts: SessionTimeouts(pingIntervalMilliseconds: 0)) {
      $0.sessions = [ReactorHarness.session, Self.second]
    }
    let old = harness.write(offset: 0, .pattern(512))
    let other = try harness.startSilent(Self.second)
    _ = try harness.command()
    try harness.closeTarget()
    return (harness, old, other)
  }

  /// A write of block 0 waits for the lost session's login, others go over the other session.
  private func expectKept(_ harness: ReactorHarness) throws {
    _ = harness.write(offset: 0, .pattern(512, from: 3))
    #expect(harness.inFlightCount(6) == 0)
    _ = harness.write(offset: 4096, .pattern(512))
    #expect(harness.inFlightCount(6) == 1)
    try harness.reconnect(isHeld: true)
    #expect(harness.inFlightCount(6) == 2)
  }

  @Test("E02, P2: the same when replacement_timeout ends its wait; it takes no slot from then on")
  func expired() throws {
    let (harness, old, other) = try lost()
    defer { close(other) }
    harness.advance(milliseconds: 120_250)
    #expect(harness.reply() == .init(unique: old, error: -ENOLINK, payload: []))
    #expect(harness.busySlots == 0)
    try expectKept(harness)
  }

  @Test("E02: the same where the other session joins after that, and it takes no slot meanwhile")
  func joinedLater() throws {
    let harness = try ReactorHarness()
    let old = harness.write(offset: 0, .pattern(512))
    _ = try harness.command()
    try harness.closeTarget()
    harness.giveUp(old)
    #expect(harness.busySlots == 0)
    let other = try harness.startSilent(Self.second)
    defer { close(other) }
    harness.registration.sessions.append(Self.second)
    harness.port.expose(ReactorHarness.unit, harness.registration)
    try expectKept(harness)
  }

  @Test("E02: the same when its LUN goes and comes back before the login")
  func withdrawn() throws {
    let (harness, old, other) = try lost()
    defer { close(other) }
    _ = harness.port.withdraw(ReactorHarness.unit, error: .staleNFSFileHandle)
    harness.turn()
    #expect(harness.reply() == .init(unique: old, error: -ESTALE, payload: []))
    #expect(harness.busySlots == 0 && harness.busyUnit == 0)
    try harness.expose(lastBlock: 8191)
    _ = harness.write(offset: 0, .pattern(512, from: 3))
    #expect(harness.inFlightCount(6) == 0)
    try harness.reconnect(isHeld: true)
    #expect(harness.inFlightCount(6) == 1)
  }

  @Test("P3: who waits for its blocks fails with the last path, and later ones at once")
  func withoutPath() throws {
    let (harness, old, other) = try lost()
    harness.giveUp(old)
    close(other)
    for _ in 0..<300 where harness.reactor.sessions[6].state == .up {
      usleep(1000)
      harness.turn()
    }
    harness.advance(milliseconds: 59_000)
    let waiting = harness.write(offset: 0, .pattern(512))
    harness.advance(milliseconds: 59_750)
    #expect(harness.reply() == nil)
    harness.advance(milliseconds: 1_500)
    #expect(harness.reply() == .init(unique: waiting, error: -ENOLINK, payload: []))
    let later = harness.write(offset: 0, .pattern(512))
    #expect(harness.reply() == .init(unique: later, error: -ENOLINK, payload: []))
    #expect(harness.busySlots == 0)
  }

  @Test("P3: a path that is lost anew each time does not add to its wait")
  func flappingPath() throws {
    let harness = try ReactorHarness(timeouts: SessionTimeouts(pingIntervalMilliseconds: 0))
    let unique = harness.read(offset: 0, size: 512)
    harness.advance(milliseconds: 20_000)
    try harness.closeTarget()
    harness.advance(milliseconds: 90_000)
    try harness.reconnect()
    harness.advance(milliseconds: 5_000)
    try harness.closeTarget()
    harness.advance(milliseconds: 4_750)
    #expect(harness.reply() == nil)
    harness.advance(milliseconds: 500)
    #expect(harness.reply() == .init(unique: unique, error: -ENOLINK, payload: []))
  }
}
