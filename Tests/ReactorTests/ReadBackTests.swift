import FUSE
import Glibc
import ISCSI
import LogicalUnit
import SCSI
import Testing
import Wire

@testable import Reactor

/// After a loss fsync finds out whether what was written before is there.
@Suite("fsync after a loss, reading back", .bothChannels, .timeLimit(.minutes(5)))
struct ReadBackTests {
  private let harness: ReactorHarness

  init() throws { harness = try ReactorHarness() }

  private func write(_ block: UInt64, _ bytes: [UInt8]) throws {
    let unique = harness.write(offset: block * 512, bytes)
    try harness.serve(.write16)
    #expect(
      harness.reply() == .init(unique: unique, error: 0, payload: .accepted(UInt32(bytes.count))))
  }

  /// The next command, which must read these blocks; returns its tag.
  private func reading(_ block: UInt64, count: UInt64 = 1) throws -> InitiatorTaskTag {
    let command = try harness.command().view
    #expect(command.isRead && command.header.word4 >> 56 == 0x88)
    #expect(command.header.word4 << 16 | command.header.word5 >> 48 == block)
    #expect(command.header.word5 >> 16 & 0xFFFF_FFFF == count)
    return command.header.initiatorTaskTag
  }

  private func serveRead(_ block: UInt64, _ bytes: [UInt8]) throws {
    harness.sendDataIn(try reading(block, count: UInt64(bytes.count / 512)), bytes)
  }

  private func expectQuiet(_ unique: UInt64, error: Int32 = 0) throws {
    #expect(harness.reply() == .init(unique: unique, error: error, payload: []))
    #expect(try harness.sent() == nil)
    #expect(harness.busySlots == 0)
  }

  /// A flush has been done: nothing is left of those before us.
  private func flushed() throws {
    let unique = harness.request(.fsync)
    try harness.serve(.synchronizeCache16)
    try expectQuiet(unique)
  }

  @Test("P1, P4, E29: a lost connection costs no error where everything is there")
  func kept() throws {
    try write(0, .pattern(512))
    try harness.reconnect()
    let unique = harness.request(.fsync)
    try harness.serve(.synchronizeCache16)
    try serveRead(0, .pattern(512))
    try expectQuiet(unique)
    try expectQuiet(harness.request(.fsync))
  }

  @Test("E29: neighbours are read at once, a block of many writes once, others by themselves")
  func neighbours() throws {
    try write(4, .pattern(1024))
    try write(2, .pattern(1024, from: 7))
    try write(4, .pattern(512, from: 9))
    try write(100, .pattern(512, from: 3))
    try harness.reconnect()
    let unique = harness.request(.fsync)
    try harness.serve(.synchronizeCache16)
    let second = [UInt8].pattern(1024)[512...]
    try serveRead(2, .pattern(1024, from: 7) + .pattern(512, from: 9) + second)
    try serveRead(100, .pattern(512, from: 3))
    try expectQuiet(unique)
  }

  @Test("E29: what came after the loss is what is there, and what was flushed before is not read")
  func newer() throws {
    try write(7, .pattern(512, from: 1))
    try flushed()
    try write(0, .pattern(512))
    try harness.reconnect()
    try write(0, .pattern(512, from: 5))
    let unique = harness.request(.fsync)
    try harness.serve(.synchronizeCache16)
    try serveRead(0, .pattern(512, from: 5))
    try expectQuiet(unique)
  }

  @Test("E29: bytes from before the last write are a loss, also where an earlier write had them")
  func older() throws {
    try write(0, .pattern(512))
    try write(0, .pattern(512, from: 5))
    try harness.reconnect()
    let unique = harness.request(.fsync)
    try harness.serve(.synchronizeCache16)
    try serveRead(0, .pattern(512))
    try expectQuiet(unique, error: -EIO)
  }

  @Test("E29: of two writes at the target at once either may be the last", arguments: [1, 2, 3])
  func racing(left: Int) throws {
    let uniques = [1, 2].map { harness.write(offset: 0, .pattern(512, from: $0)) }
    let tags = try uniques.map { _ in try harness.command().view.header.initiatorTaskTag }
    for index in [1, 0] {
      harness.sendResponse(tags[index])
      #expect(harness.reply()?.unique == uniques[index])
    }
    try harness.reconnect()
    let unique = harness.request(.fsync)
    try harness.serve(.synchronizeCache16)
    try serveRead(0, .pattern(512, from: left))
    try expectQuiet(unique, error: left == 3 ? -EIO : 0)
  }

  @Test("E29: what was answered after a flush was sent is not covered by it")
  func lateWrite() throws {
    try write(0, .pattern(512))
    let first = harness.request(.fsync)
    let flush = try harness.command().view.header.initiatorTaskTag
    try write(1, .pattern(512, from: 2))
    harness.sendResponse(flush)
    try expectQuiet(first)
    try harness.reconnect()
    let unique = harness.request(.fsync)
    try harness.serve(.synchronizeCache16)
    try serveRead(1, .pattern(512, from: 3))
    try expectQuiet(unique, error: -EIO)
  }

  @Test("P1, E29: what is at the target over one session may be lost with another")
  func underWay() throws {
    let second = SessionHandle(index: 6, generation: 1)
    try harness.expose(lastBlock: 8191, sessions: [ReactorHarness.session, second])
    try flushed()
    let written = harness.write(offset: 0, .pattern(512))
    let task = try harness.command().view.header.initiatorTaskTag
    close(try harness.startSilent(second))
    harness.turn()
    #expect(harness.reactor.sessions[6].state == .lost)
    try expectJudged(written, task)
  }

  @Test("P1, E29: or is taken by a unit that tells of a reset to another command")
  func underWayAtReset() throws {
    try flushed()
    let written = harness.write(offset: 0, .pattern(512))
    let task = try harness.command().view.header.initiatorTaskTag
    let read = harness.read(offset: 4096, size: 512)
    let tag = try harness.command().view.header.initiatorTaskTag
    harness.sendResponse(tag, .checkCondition, sense: .sense(6, 0x29, 0))
    harness.sendDataIn(try harness.command().view.header.initiatorTaskTag, .pattern(512))
    #expect(harness.reply()?.unique == read)
    try expectJudged(written, task)
  }

  /// A write of block 0 is answered, and then found to be gone.
  private func expectJudged(_ written: UInt64, _ task: InitiatorTaskTag) throws {
    harness.sendResponse(task)
    #expect(harness.reply() == .init(unique: written, error: 0, payload: .accepted(512)))
    let unique = harness.request(.fsync)
    try harness.serve(.synchronizeCache16)
    try serveRead(0, .pattern(512, from: 1))
    try expectQuiet(unique, error: -EIO)
  }

  @Test("P1, E29: what has replaced it since the flush was sent is flushed before the answer")
  func newerThanTheFlush() throws {
    try write(0, .pattern(512))
    try harness.reconnect()
    let unique = harness.request(.fsync)
    let flush = try harness.command().view.header.initiatorTaskTag
    try write(0, .pattern(512, from: 5))
    harness.sendResponse(flush)
    try serveRead(0, .pattern(512, from: 5))
    #expect(harness.reply() == nil)
    try harness.serve(.synchronizeCache16)
    try expectQuiet(unique)
  }

  @Test("E29: after another loss it flushes, and reads what it has not read")
  func lostAgain() throws {
    try flushed()
    try write(0, .pattern(512))
    try write(50, .pattern(512, from: 2))
    try harness.reconnect()
    let unique = harness.request(.fsync)
    try harness.serve(.synchronizeCache16)
    try serveRead(0, .pattern(512))
    for _ in 0..<3 {
      _ = try reading(50)
      try harness.reconnect()
      try serveRead(50, .pattern(512, from: 2))
      try harness.serve(.synchronizeCache16)
    }
    try serveRead(50, .pattern(512, from: 2))
    try expectQuiet(unique)
  }

  @Test("E29: what was read and then written is read again after another loss", arguments: [6, 0])
  func lostAgainAfterWrite(left: Int) throws {
    try flushed()
    try write(0, .pattern(512))
    try write(50, .pattern(512, from: 2))
    try harness.reconnect()
    let unique = harness.request(.fsync)
    try harness.serve(.synchronizeCache16)
    try serveRead(0, .pattern(512))
    _ = try reading(50)
    try write(0, .pattern(512, from: 6))
    try harness.reconnect()
    try serveRead(50, .pattern(512, from: 2))
    try harness.serve(.synchronizeCache16)
    try serveRead(50, .pattern(512, from: 2))
    try serveRead(0, .pattern(512, from: left))
    try expectQuiet(unique, error: left == 6 ? 0 : -EIO)
  }

  @Test("E29: who is interrupted leaves what has been found to the next")
  func interruptedAndLost() throws {
    try write(0, .pattern(512))
    try write(50, .pattern(512, from: 2))
    try harness.reconnect()
    let first = harness.request(.fsync)
    try harness.serve(.synchronizeCache16)
    try serveRead(0, .pattern(512))
    let tag = try reading(50)
    harness.giveUp(first)
    harness.sendDataIn(tag, .pattern(512, from: 2))
    let unique = harness.request(.fsync)
    try harness.serve(.synchronizeCache16)
    try serveRead(50, .pattern(512, from: 2))
    try expectQuiet(unique)
  }

  @Test("E29: an fsync beside a long read-back is not overdue while that gets on")
  func besideLong() throws {
    let harness = try ReactorHarness(timeouts: SessionTimeouts(replacementMilliseconds: 1_000))
    for block in 0..<400 as Range<UInt64> {
      _ = harness.write(offset: block * 1024, .pattern(512))
      try harness.serve(.write16)
      _ = harness.reply()
    }
    try harness.reconnect()
    let uniques = [harness.request(.fsync), harness.request(.fsync)]
    for _ in uniques { try harness.serve(.synchronizeCache16) }
    // 36 s, and none may wait longer than 30 s for nothing.
    for _ in 0..<400 {
      let tag = try harness.command().view.header.initiatorTaskTag
      harness.advance(milliseconds: 90)
      harness.sendDataIn(tag, .pattern(512))
    }
    #expect(harness.reply() == .init(unique: uniques[0], error: 0, payload: []))
    harness.advance(milliseconds: 20)
    #expect(harness.reply() == .init(unique: uniques[1], error: 0, payload: []))
  }

  @Test("E29: a write to what is being read waits, others do not")
  func overlappingWrite() throws {
    try write(0, .pattern(512))
    try harness.reconnect()
    let unique = harness.request(.fsync)
    try harness.serve(.synchronizeCache16)
    let tag = try reading(0)
    let waiting = harness.write(offset: 0, .pattern(512, from: 8))
    #expect(try harness.sent() == nil)
    try write(1, .pattern(512, from: 9))
    harness.sendDataIn(tag, .pattern(512))
    #expect(harness.reply() == .init(unique: unique, error: 0, payload: []))
    try harness.serve(.write16)
    #expect(harness.reply()?.unique == waiting)
    #expect(harness.busySlots == 0)
  }

  @Test("E29: 29/00 to 29/07 on a connection that lives are losses", arguments: [0, 1, 2, 3, 7])
  func unitAttention(qualifier: UInt8) throws {
    try write(0, .pattern(512))
    let read = harness.read(offset: 512, size: 512)
    harness.sendResponse(
      try harness.command().view.header.initiatorTaskTag, .checkCondition,
      sense: .sense(0x6, 0x29, qualifier))
    harness.sendDataIn(try harness.command().view.header.initiatorTaskTag, .pattern(512))
    #expect(harness.reply() == .init(unique: read, error: 0, payload: .pattern(512)))
    let unique = harness.request(.fsync)
    try harness.serve(.synchronizeCache16)
    try serveRead(0, .pattern(512, from: 1))
    try expectQuiet(unique, error: -EIO)
  }

  @Test("E29: a flush that was sent before such a loss proves nothing")
  func flushBeforeAttention() throws {
    try write(0, .pattern(512))
    let unique = harness.request(.fsync)
    let flush = try harness.command().view.header.initiatorTaskTag
    _ = harness.read(offset: 512, size: 512)
    harness.sendResponse(
      try harness.command().view.header.initiatorTaskTag, .checkCondition,
      sense: .sense(0x6, 0x29, 1))
    harness.sendDataIn(try harness.command().view.header.initiatorTaskTag, .pattern(512))
    #expect(harness.reply()?.error == 0)
    harness.sendResponse(flush)
    try harness.serve(.synchronizeCache16)
    try serveRead(0, .pattern(512))
    try expectQuiet(unique)
  }

  @Test("E29: what cannot be read is lost; what is not ready is asked again")
  func unreadable() throws {
    try write(0, .pattern(512))
    try harness.reconnect()
    let unique = harness.request(.fsync)
    try harness.serve(.synchronizeCache16)
    harness.sendResponse(try reading(0), .busy)
    harness.advance(milliseconds: 100)
    harness.sendResponse(try reading(0), .checkCondition, sense: .sense(0x3, 0x11, 0))
    try expectQuiet(unique, error: -EIO)
    try expectQuiet(harness.request(.fsync))
  }

  @Test("E29: who is interrupted while it reads leaves the question to the next")
  func interrupted() throws {
    try write(0, .pattern(512))
    try harness.reconnect()
    let first = harness.request(.fsync)
    try harness.serve(.synchronizeCache16)
    let tag = try reading(0)
    harness.giveUp(first)
    harness.sendDataIn(tag, .pattern(512))
    let unique = harness.request(.fsync)
    try harness.serve(.synchronizeCache16)
    try serveRead(0, .pattern(512, from: 1))
    try expectQuiet(unique, error: -EIO)
  }

  @Test("E29: one fsync reads, those beside it wait and are told the same")
  func beside() throws {
    try write(0, .pattern(512))
    try harness.reconnect()
    let uniques = [harness.request(.fsync), harness.request(.fsync)]
    for _ in uniques { try harness.serve(.synchronizeCache16) }
    try serveRead(0, .pattern(512))
    #expect(harness.reply() == .init(unique: uniques[0], error: 0, payload: []))
    harness.advance(milliseconds: 20)
    try expectQuiet(uniques[1])
  }

  @Test("E29: a write of parts of blocks is remembered with what is around it")
  func partial() throws {
    let block = [UInt8].pattern(512)
    let unique = harness.write(offset: 10, [1, 2, 3])
    harness.sendDataIn(try harness.command().view.header.initiatorTaskTag, block)
    try harness.serve(.write16)
    #expect(harness.reply() == .init(unique: unique, error: 0, payload: .accepted(3)))
    try harness.reconnect()
    let flush = harness.request(.fsync)
    try harness.serve(.synchronizeCache16)
    try serveRead(0, block[..<10] + [1, 2, 3] + block[13...])
    try expectQuiet(flush)
  }

  @Test(
    "E29: new bytes laid over some of a block that is not there do not hide the loss",
    arguments: [0, 1])
  func partialAfterLoss(shift: Int) throws {
    try write(0, .pattern(512))
    try harness.reconnect()
    let block = [UInt8].pattern(512, from: shift)
    let unique = harness.write(offset: 10, [1, 2, 3])
    try serveRead(0, block)
    try harness.serve(.write16)
    #expect(harness.reply() == .init(unique: unique, error: 0, payload: .accepted(3)))
    let flush = harness.request(.fsync)
    try harness.serve(.synchronizeCache16)
    if shift == 0 { try serveRead(0, block[..<10] + [1, 2, 3] + block[13...]) }
    try expectQuiet(flush, error: shift == 0 ? 0 : -EIO)
  }

  @Test("E29: blocks that were zeroed are read back as zeros", arguments: [0, 1])
  func zeros(byte: UInt8) throws {
    let harness = try ReactorHarness { ReactorHarness.thin(&$0) }
    let hole = harness.punch(512, 4 * 512)
    try harness.serve(.writeSame16)
    try harness.expectDone(hole)
    try harness.reconnect()
    let unique = harness.request(.fsync)
    try harness.serve(.synchronizeCache16)
    let command = try harness.command().view
    #expect(command.isRead && command.header.word5 == 0x0001_0000_0004_0000)
    harness.sendDataIn(
      command.header.initiatorTaskTag, [UInt8](repeating: 0, count: 2047) + [byte])
    try harness.expectDone(unique, error: byte == 0 ? 0 : -EIO)
  }
}
