import FUSE
import Glibc
import ISCSI
import SCSI
import Testing
import Wire

@testable import Reactor

/// An earlier write's failure is told by whichever command is next on its nexus: no fsync, and no
/// write that is durable by itself, is answered with success before that has been heard.
@Suite("Deferred errors and what is durable", .bothChannels, .timeLimit(.minutes(5)))
struct DeferredErrorTests {
  private static let write16: UInt64 = 0x8A
  private static let synchronize16: UInt64 = 0x91
  private static let testUnitReady: UInt64 = 0x00
  private static let second = SessionHandle(index: 6, generation: 1)
  private static let deferred = [UInt8].sense(0x3, 0x0C, 0, deferred: true)

  /// The next command, which must be of this kind.
  private func next(_ command: SCSICommand, _ operation: UInt64) -> InitiatorTaskTag {
    #expect(command.header.word4 >> 56 == operation)
    return command.header.initiatorTaskTag
  }

  private func serve(_ harness: ReactorHarness, _ operation: UInt64) throws {
    harness.sendResponse(next(try harness.command().view, operation))
  }

  private func serve(_ other: FurtherConnection, _ operation: UInt64) throws {
    other.sendResponse(next(try other.command(), operation))
  }

  // MARK: - O_DSYNC without FUA

  @Test("P1: told to the flush of a durable write, it has that written again")
  func toItsFlush() throws {
    let harness = try ReactorHarness()
    let unique = harness.write(offset: 0, .pattern(512), flags: O_DSYNC)
    try serve(harness, Self.write16)
    let flush = next(try harness.command().view, Self.synchronize16)
    harness.sendResponse(flush, .checkCondition, sense: Self.deferred)
    try serve(harness, Self.synchronize16)
    #expect(harness.reply() == nil)
    try serve(harness, Self.write16)
    try serve(harness, Self.synchronize16)
    #expect(harness.reply() == .init(unique: unique, error: 0, payload: .accepted(512)))
  }

  @Test("P1: told to another command before the flush is answered, the same")
  func beforeItsFlush() throws {
    let harness = try ReactorHarness()
    _ = harness.read(offset: 4096, size: 512)
    let read = try harness.command().view.header.initiatorTaskTag
    let unique = harness.write(offset: 0, .pattern(512), flags: O_DSYNC)
    try serve(harness, Self.write16)
    let flush = next(try harness.command().view, Self.synchronize16)
    harness.sendResponse(read, .checkCondition, sense: Self.deferred)
    _ = try harness.command()
    harness.sendResponse(flush)
    #expect(harness.reply() == nil)
    try serve(harness, Self.write16)
    try serve(harness, Self.synchronize16)
    #expect(harness.reply() == .init(unique: unique, error: 0, payload: .accepted(512)))
  }

  @Test(
    "P1: of several connections, a durable write waits for a status that may tell of its failure",
    arguments: [true, false])
  func overtakenDurable(isDeferredError: Bool) throws {
    let harness = try ReactorHarness()
    let other = try FurtherConnection(harness)
    _ = harness.read(offset: 4096, size: 512)
    let task = try harness.command().view.header.initiatorTaskTag
    let unique = harness.write(offset: 0, .pattern(512), flags: O_DSYNC)
    try serve(other, Self.write16)
    try serve(other, Self.synchronize16)
    harness.advance(milliseconds: 40)
    #expect(harness.reply() == nil)
    guard isDeferredError else {
      harness.sendDataIn(task, .pattern(512))
      #expect(harness.reply()?.payload == .pattern(512))
      harness.advance(milliseconds: 20)
      #expect(harness.reply() == .init(unique: unique, error: 0, payload: .accepted(512)))
      return
    }
    harness.sendResponse(task, .checkCondition, sense: Self.deferred)
    harness.sendDataIn(try harness.command().view.header.initiatorTaskTag, .pattern(512))
    #expect(harness.reply()?.payload == .pattern(512))
    harness.advance(milliseconds: 20)
    #expect(harness.reply() == nil)
    try serve(harness, Self.write16)
    try serve(harness, Self.synchronize16)
    #expect(harness.reply() == .init(unique: unique, error: 0, payload: .accepted(512)))
    // It was an earlier write's, or this one's: the next fsync tells.
    let told = harness.request(.fsync)
    #expect(harness.reply() == .init(unique: told, error: -EIO, payload: []))
  }

  // MARK: - Several sessions

  /// Two sessions that have brought a write each since the unit was flushed.
  private func pool() throws -> (harness: ReactorHarness, other: FurtherConnection) {
    let harness = try ReactorHarness { $0.sessions = [ReactorHarness.session, Self.second] }
    let other = try FurtherConnection(harness, starting: Self.second)
    // What an earlier daemon wrote is nobody's loss below.
    _ = harness.request(.fsync)
    try serve(harness, Self.synchronize16)
    #expect(harness.reply()?.error == 0)
    for block in 0..<2 as Range<UInt64> {
      _ = harness.write(offset: block * 512, .pattern(512))
    }
    try serve(harness, Self.write16)
    try serve(other, Self.write16)
    for _ in 0..<2 { #expect(harness.reply()?.error == 0) }
    return (harness, other)
  }

  @Test("P1: behind an fsync's flush every other session that has brought writes is heard, once")
  func heard() throws {
    let (harness, other) = try pool()
    let unique = harness.request(.fsync)
    try serve(harness, Self.synchronize16)
    #expect(harness.reply() == nil)
    try serve(other, Self.testUnitReady)
    #expect(harness.reply() == .init(unique: unique, error: 0, payload: []))
    // Only the first has brought something since.
    _ = harness.write(offset: 0, .pattern(512))
    try serve(harness, Self.write16)
    #expect(harness.reply()?.error == 0)
    let later = harness.request(.fsync)
    try serve(harness, Self.synchronize16)
    #expect(harness.reply() == .init(unique: later, error: 0, payload: []))
    #expect(try harness.sent() == nil && other.sent() == nil)
  }

  @Test("P1: a deferred error kept for another session is EIO of the fsync, once")
  func keptForAnother() throws {
    let (harness, other) = try pool()
    let unique = harness.request(.fsync)
    try serve(harness, Self.synchronize16)
    other.sendResponse(
      next(try other.command(), Self.testUnitReady), .checkCondition, sense: Self.deferred)
    #expect(harness.reply() == nil)
    try serve(other, Self.testUnitReady)
    #expect(harness.reply() == .init(unique: unique, error: -EIO, payload: []))
    let quiet = harness.request(.fsync)
    #expect(harness.reply() == .init(unique: quiet, error: 0, payload: []))
  }

  @Test("P1: a write answered over another session amid a flush is heard behind the next")
  func writtenMeanwhile() throws {
    let (harness, other) = try pool()
    _ = harness.request(.fsync)
    let flush = next(try harness.command().view, Self.synchronize16)
    _ = harness.write(offset: 1024, .pattern(512))
    try serve(other, Self.write16)
    #expect(harness.reply()?.error == 0)
    for isFirst in [true, false] {
      if isFirst {
        harness.sendResponse(flush)
      } else {
        _ = harness.request(.fsync)
        try serve(harness, Self.synchronize16)
      }
      try serve(other, Self.testUnitReady)
      #expect(harness.reply()?.error == 0)
    }
  }

  @Test("P1: a durable write hears them too, and is written again after a deferred error there")
  func durable() throws {
    let (harness, other) = try pool()
    let unique = harness.write(offset: 0, .pattern(512), flags: O_DSYNC)
    try serve(harness, Self.write16)
    try serve(harness, Self.synchronize16)
    other.sendResponse(
      next(try other.command(), Self.testUnitReady), .checkCondition, sense: Self.deferred)
    try serve(other, Self.testUnitReady)
    #expect(harness.reply() == nil)
    try serve(harness, Self.write16)
    try serve(harness, Self.synchronize16)
    #expect(harness.reply() == .init(unique: unique, error: 0, payload: .accepted(512)))
    let told = harness.request(.fsync)
    #expect(harness.reply() == .init(unique: told, error: -EIO, payload: []))
  }

  @Test("E29: one that is lost before it was heard has lost what it kept: fsync reads back")
  func lostMeanwhile() throws {
    let (harness, other) = try pool()
    let unique = harness.request(.fsync)
    try serve(harness, Self.synchronize16)
    _ = next(try other.command(), Self.testUnitReady)
    other.end()
    try serve(harness, Self.synchronize16)
    let read = try harness.command().view
    #expect(read.isRead)
    harness.sendDataIn(
      read.header.initiatorTaskTag, .pattern(512) + .pattern(512))
    #expect(harness.reply() == .init(unique: unique, error: 0, payload: []))
  }
}
