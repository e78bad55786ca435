import FUSE
import Glibc
import ISCSI
import SCSI
import Testing

@testable import Reactor

@Suite("What waits for a lost session", .bothChannels, .timeLimit(.minutes(5)))
struct MovedAroundTests {
  private static let second = SessionHandle(index: 6, generation: 1)

  private func harness() throws -> ReactorHarness {
    try ReactorHarness { $0.sessions = [ReactorHarness.session, Self.second] }
  }

  @Test("P1: a read goes over another at once, and is not sent again when it is back")
  func read() throws {
    let harness = try harness()
    _ = harness.read(offset: 0, size: 512)
    _ = try harness.command()
    let other = try harness.startSilent(Self.second)
    defer { close(other) }
    try harness.closeTarget()
    #expect(harness.queuedCount(5) == 0 && harness.inFlightCount(6) == 1)
    try harness.reconnect()
    #expect(try harness.sent() == nil)
  }

  @Test("P1, P4: so does a flush")
  func flush() throws {
    let harness = try harness()
    let write = harness.write(offset: 0, .pattern(512))
    try harness.serve(.write16)
    #expect(harness.reply() == .init(unique: write, error: 0, payload: .accepted(512)))
    _ = harness.request(.fsync)
    _ = try harness.command()
    let other = try harness.startSilent(Self.second)
    defer { close(other) }
    try harness.closeTarget()
    #expect(harness.queuedCount(5) == 0 && harness.inFlightCount(6) == 1)
  }

  @Test("P1: so does a write that was reading the block at its edge")
  func edge() throws {
    let harness = try harness()
    _ = harness.write(offset: 10, [1])
    #expect(try harness.command().view.isRead)
    let other = try harness.startSilent(Self.second)
    defer { close(other) }
    try harness.closeTarget()
    #expect(harness.queuedCount(5) == 0 && harness.inFlightCount(6) == 1)
  }

  @Test("P1, P8: of two writes the one that was not sent goes, the other waits for its login")
  func writes() throws {
    let harness = try ReactorHarness(timeouts: SessionTimeouts(commandsMaximum: 1)) {
      $0.sessions = [ReactorHarness.session, Self.second]
    }
    for block in 0..<2 as Range<UInt64> { _ = harness.write(offset: block * 512, .pattern(512)) }
    _ = try harness.command()
    let other = try harness.startSilent(Self.second)
    defer { close(other) }
    try harness.closeTarget()
    #expect(harness.queuedCount(5) == 1 && harness.inFlightCount(6) == 1)
    try harness.reconnect()
    try harness.serve(.write16)
    #expect(harness.queuedCount(5) == 0 && harness.inFlightCount(6) == 1)
  }

  @Test("P1: where none was left it goes over the one that is back first")
  func firstBack() throws {
    let harness = try harness()
    let other = try harness.startSilent(Self.second)
    close(other)
    harness.turn()
    _ = harness.read(offset: 0, size: 512)
    _ = try harness.command()
    try harness.closeTarget()
    #expect(harness.queuedCount(5) == 1)
    let again = try harness.startSilent(Self.second)
    defer { close(again) }
    harness.turn()
    #expect(harness.queuedCount(5) == 0 && harness.inFlightCount(6) == 1)
  }

  @Test("P1: writes that wait for their login take no places of a LUN's queue meanwhile")
  func places() throws {
    let harness = try ReactorHarness {
      $0.sessions = [ReactorHarness.session, Self.second]
      $0.queueDepth = 1
    }
    let write = harness.write(offset: 0, .pattern(512))
    _ = try harness.command()
    let other = try harness.startSilent(Self.second)
    let read = harness.read(offset: 512, size: 512)
    try harness.closeTarget()
    #expect(harness.queuedCount(5) == 1 && harness.inFlightCount(6) == 1)
    // Its session is back: it waits for a place as all do.
    try harness.reconnect()
    #expect(try harness.sent() == nil)
    close(other)
    harness.turn()
    harness.sendDataIn(try harness.command().view.header.initiatorTaskTag, .pattern(512))
    #expect(harness.reply() == .init(unique: read, error: 0, payload: .pattern(512)))
    try harness.serve(.write16)
    #expect(harness.reply() == .init(unique: write, error: 0, payload: .accepted(512)))
  }
}

@Suite("What waits for a lost session of two reactors", .timeLimit(.minutes(5)))
struct MovedBetweenReactorsTests {
  @Test("P1: a read goes to the other reactor's, at once or when that is back")
  func read() throws {
    let both = try TwoReactors()
    let unique = both.second.read(offset: 0, size: 512)
    _ = try both.second.command()
    try both.second.closeTarget()
    both.turn()
    both.first.sendDataIn(try both.first.command().view.header.initiatorTaskTag, .pattern(512))
    #expect(both.first.reply() == .init(unique: unique, error: 0, payload: .pattern(512)))
    try both.first.closeTarget()
    let waiting = both.second.read(offset: 512, size: 512)
    both.turn()
    try both.first.reconnect()
    both.second.advance(milliseconds: 250)
    both.turn()
    both.first.sendDataIn(
      try both.first.command().view.header.initiatorTaskTag, .pattern(512, from: 3))
    #expect(both.first.reply() == .init(unique: waiting, error: 0, payload: .pattern(512, from: 3)))
    #expect(both.first.busySlots == 0 && both.second.busySlots == 0)
  }

  @Test("P1: so does a write that was reading the block at its edge")
  func edge() throws {
    let both = try TwoReactors()
    let unique = both.second.write(offset: 10, [1])
    #expect(try both.second.command().view.isRead)
    try both.second.closeTarget()
    both.turn()
    both.first.sendDataIn(try both.first.command().view.header.initiatorTaskTag, .pattern(512))
    let write = try both.first.command()
    #expect(write.unit.data == .pattern(10) + [1] + .pattern(501, from: 11))
    both.first.sendResponse(write.view.header.initiatorTaskTag)
    #expect(both.first.reply() == .init(unique: unique, error: 0, payload: .accepted(1)))
    #expect(both.first.busySlots == 0 && both.second.busySlots == 0)
  }

  @Test("P8: an entry that is handed over is the other reactor's alone")
  func memory() throws {
    let both = try TwoReactors()
    _ = both.first.write(offset: 10, .pattern(502, from: 7))
    #expect(try both.first.command().view.isRead)
    try both.first.closeTarget()
    both.turn()
    // What the first reads from /dev/fuse next (BATCH_FORGET) lies in the slot that is free now.
    both.first.freeEntries = nil
    both.first.request(FuseOpcode(rawValue: 42), body: [UInt8](repeating: 0xEE, count: 8192))
    both.second.sendDataIn(try both.second.command().view.header.initiatorTaskTag, .pattern(512))
    let write = try both.second.command()
    #expect(write.unit.data == .pattern(10) + .pattern(502, from: 7))
  }

  @Test("P3: a read that costs every path it takes ends in its time")
  func bounce() throws {
    let both = try TwoReactors()
    let unique = both.second.read(offset: 0, size: 512)
    var (here, there) = (both.second, both.first)
    var reply: ReactorHarness.Reply?
    for _ in 0..<200 where reply == nil {
      try here.closeTarget()
      both.turn()
      here.advance(milliseconds: 1_000)
      there.advance(milliseconds: 1_000)
      try here.reconnect()
      both.turn()
      reply = here.reply() ?? there.reply()
      (here, there) = (there, here)
    }
    #expect(reply == .init(unique: unique, error: -ENOLINK, payload: []))
    #expect(both.first.busySlots == 0 && both.second.busySlots == 0)
  }

  @Test("P1, P9: one that may still run holds up its blocks, not the other reactor's writes")
  func lostRewrite() throws {
    let both = try TwoReactors()
    let part = both.first.write(offset: 10, [1])
    both.first.sendDataIn(try both.first.command().view.header.initiatorTaskTag, .pattern(512))
    #expect(try both.first.command().view.isWrite)
    try both.first.closeTarget()
    let beside = both.second.write(offset: 1034, [2])
    both.turn()
    both.second.sendDataIn(try both.second.command().view.header.initiatorTaskTag, .pattern(512))
    try both.second.serve(.write16)
    #expect(both.second.reply() == .init(unique: beside, error: 0, payload: .accepted(1)))
    let within = both.second.write(offset: 0, .pattern(512, from: 7))
    both.turn()
    #expect(try both.second.sent() == nil)
    try both.first.reconnect()
    try both.first.serve(.write16)
    #expect(both.first.reply() == .init(unique: part, error: 0, payload: .accepted(1)))
    both.turn()
    try both.second.serve(.write16)
    #expect(both.second.reply() == .init(unique: within, error: 0, payload: .accepted(512)))
    #expect(both.first.busySlots == 0 && both.second.busySlots == 0)
  }

  @Test("P3: a write that was held first waits a command's time more, not as long again")
  func held() throws {
    let both = try TwoReactors()
    let old = both.first.write(offset: 0, .pattern(512))
    _ = try both.first.command()
    both.first.giveUp(old)
    try both.first.closeTarget()
    let new = both.second.write(offset: 0, .pattern(512, from: 7))
    both.second.advance(milliseconds: 110_000)
    #expect(both.second.waitingCount == 1)
    try both.first.reconnect(isHeld: true)
    both.turn()
    #expect(both.second.waitingCount == 0 && both.second.busySlots == 1)
    try both.second.closeTarget()
    both.second.advance(milliseconds: 29_000)
    #expect(both.second.reply() == nil)
    both.second.advance(milliseconds: 1_250)
    #expect(both.second.reply() == .init(unique: new, error: -ENOLINK, payload: []))
  }
}
