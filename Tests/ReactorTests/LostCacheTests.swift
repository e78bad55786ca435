import FUSE
import Glibc
import ISCSI
import LogicalUnit
import SCSI
import Testing
import Wire

@testable import Reactor

/// Found by the simulation, or what it relies on: no fsync says 0 for what may be gone.
@Suite("A volatile cache behind a lost nexus", .bothChannels, .timeLimit(.minutes(5)))
struct LostCacheTests {
  private static let write16: UInt64 = 0x8A
  private static let synchronize16: UInt64 = 0x91

  private func write(_ harness: ReactorHarness) throws {
    _ = harness.write(offset: 0, .pattern(512))
    harness.sendResponse(try harness.command().view.header.initiatorTaskTag)
    #expect(harness.reply()?.error == 0)
  }

  /// Answers the next command, which must be of this kind.
  private func serve(_ harness: ReactorHarness, _ operation: UInt64) throws {
    let command = try harness.command().view
    #expect(command.header.word4 >> 56 == operation)
    harness.sendResponse(command.header.initiatorTaskTag)
  }

  /// Answers the next command, which must read these blocks.
  private func serveRead(
    _ harness: ReactorHarness, _ block: UInt64, count: UInt64 = 1, _ bytes: [UInt8]
  ) throws {
    let command = try harness.command().view
    #expect(command.isRead && command.header.word4 >> 56 == 0x88)
    #expect(command.header.word4 << 16 | command.header.word5 >> 48 == block)
    #expect(command.header.word5 >> 16 & 0xFFFF_FFFF == count)
    harness.sendDataIn(command.header.initiatorTaskTag, bytes)
  }

  @Test("E29, P1: fsync after it is EIO, once, where what was written is not there")
  func once() throws {
    let harness = try ReactorHarness()
    try write(harness)
    try harness.reconnect()
    let told = harness.request(.fsync)
    try serve(harness, Self.synchronize16)
    try serveRead(harness, 0, .pattern(512, from: 1))
    #expect(harness.reply() == .init(unique: told, error: -EIO, payload: []))
    let quiet = harness.request(.fsync)
    #expect(harness.reply() == .init(unique: quiet, error: 0, payload: []))
    #expect(try harness.sent() == nil)
    #expect(harness.busySlots == 0)
  }

  /// Which of both connections carries a command depends on what the other has.
  @Test(
    "P1: of several connections, fsync waits for a status that may tell of an earlier failure",
    arguments: [true, false])
  func overtaken(isDeferredError: Bool) throws {
    let harness = try ReactorHarness()
    try write(harness)
    let other = try FurtherConnection(harness)
    let read = harness.read(offset: 4096, size: 512)
    let task = try harness.command().view.header.initiatorTaskTag
    let unique = harness.request(.fsync)
    let flush = try other.command().header
    #expect(flush.word4 >> 56 == Self.synchronize16)
    other.sendResponse(flush.initiatorTaskTag)
    harness.advance(milliseconds: 40)
    #expect(harness.reply() == nil)
    // What is asked for later is not waited for.
    _ = harness.read(offset: 8192, size: 512)
    if isDeferredError {
      harness.sendResponse(
        task, .checkCondition, sense: .sense(0x3, 0x0C, 0, deferred: true))
    } else {
      harness.sendDataIn(task, .pattern(512))
      #expect(harness.reply() == .init(unique: read, error: 0, payload: .pattern(512)))
    }
    harness.advance(milliseconds: 20)
    #expect(
      harness.reply() == .init(unique: unique, error: isDeferredError ? -EIO : 0, payload: []))
  }

  @Test("E29: every fsync under way tells it, none that begins afterwards does")
  func overlapping() throws {
    let harness = try ReactorHarness()
    _ = harness.request(.fsync)
    try serve(harness, Self.synchronize16)
    #expect(harness.reply()?.error == 0)
    try write(harness)
    let uniques = [harness.request(.fsync), harness.request(.fsync)]
    for _ in uniques { _ = try harness.command() }
    try harness.reconnect()
    for _ in uniques { try serve(harness, Self.synchronize16) }
    try serveRead(harness, 0, .pattern(512, from: 1))
    #expect(harness.reply() == .init(unique: uniques[0], error: -EIO, payload: []))
    harness.advance(milliseconds: 20)
    #expect(harness.reply() == .init(unique: uniques[1], error: -EIO, payload: []))
    try write(harness)
    let later = harness.request(.fsync)
    try serve(harness, Self.synchronize16)
    #expect(harness.reply() == .init(unique: later, error: 0, payload: []))
  }

  @Test("E29: a hole that was begun before the loss is an error of the fsync after its end")
  func clearing() throws {
    let harness = try ReactorHarness { ReactorHarness.thin(&$0) }
    let hole = harness.punch(500, 8 * 512)
    try harness.serve(.writeSame16)
    _ = try harness.command()
    try harness.reconnect()
    let told = harness.request(.fsync)
    try answerAll(harness)
    let replies = (0..<2).compactMap { _ in harness.reply() }
    // What is not answered yet no fsync has to cover.
    #expect(replies.first { $0.unique == told }?.error == 0)
    #expect(replies.first { $0.unique == hole }?.error == 0)
    for error in [-EIO, 0] {
      let unique = harness.request(.fsync)
      try answerAll(harness)
      #expect(harness.reply() == .init(unique: unique, error: error, payload: []))
    }
  }

  /// Answers whatever is asked: reads of a block with data, all else with GOOD.
  private func answerAll(_ harness: ReactorHarness) throws {
    while let unit = try harness.sent() {
      let command = SCSICommand(unit.header)
      if command.isRead {
        harness.sendDataIn(command.header.initiatorTaskTag, .pattern(512))
      } else {
        harness.sendResponse(command.header.initiatorTaskTag)
      }
    }
  }

  @Test("E29: nothing is owed for what was flushed before")
  func flushed() throws {
    let harness = try ReactorHarness()
    try write(harness)
    _ = harness.request(.fsync)
    try serve(harness, Self.synchronize16)
    #expect(harness.reply()?.error == 0)
    try harness.reconnect()
    let unique = harness.request(.fsync)
    #expect(harness.reply() == .init(unique: unique, error: 0, payload: []))
  }

  @Test("E29: nothing is owed where no volatile cache is")
  func noCache() throws {
    let harness = try ReactorHarness { $0.hasVolatileCache = false }
    try write(harness)
    try harness.reconnect()
    let unique = harness.request(.fsync)
    #expect(harness.reply() == .init(unique: unique, error: 0, payload: []))
  }

  @Test("E29: a write with O_DSYNC is written again before it is answered")
  func durable() throws {
    let harness = try ReactorHarness()
    let unique = harness.write(offset: 0, .pattern(512), flags: O_DSYNC)
    try serve(harness, Self.write16)
    #expect(try harness.command().view.header.word4 >> 56 == Self.synchronize16)
    try harness.reconnect()
    try serve(harness, Self.synchronize16)
    #expect(harness.reply() == nil)
    let again = try harness.command()
    #expect(again.unit.data == .pattern(512))
    harness.sendResponse(again.view.header.initiatorTaskTag)
    try serve(harness, Self.synchronize16)
    #expect(harness.reply() == .init(unique: unique, error: 0, payload: .accepted(512)))
  }

  @Test("E29: a write in several commands is written whole again before it is answered")
  func split() throws {
    let harness = try ReactorHarness { registration in
      registration.geometry =
        (try? .init(
          logicalBlockLength: 512, lastLogicalBlockAddress: LogicalBlockAddress(8191),
          maximumTransferBlocks: 1)) ?? registration.geometry
    }
    let unique = harness.write(offset: 0, .pattern(1024))
    try serve(harness, Self.write16)
    #expect(try harness.command().view.header.word5 >> 48 == 1)
    try harness.reconnect()
    for block in [1, 0, 1] as [UInt64] {
      let command = try harness.command().view
      #expect(command.isWrite && command.header.word5 >> 48 == block)
      harness.sendResponse(command.header.initiatorTaskTag)
    }
    #expect(harness.reply() == .init(unique: unique, error: 0, payload: .accepted(1024)))
  }

  @Test("P1: a deferred error is told though the caller whose command brought it is gone")
  func deferredErrorForNobody() throws {
    let harness = try ReactorHarness()
    try write(harness)
    let unique = harness.read(offset: 0, size: 512)
    let task = try harness.command().view.header.initiatorTaskTag
    harness.giveUp(unique)
    harness.sendResponse(task, .checkCondition, sense: .sense(0x3, 0x0C, 0, deferred: true))
    let told = harness.request(.fsync)
    try serve(harness, Self.synchronize16)
    #expect(harness.reply() == .init(unique: told, error: -EIO, payload: []))
  }
}
