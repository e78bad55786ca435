import FUSE
import Glibc
import ISCSI
import SCSI
import Testing
import Wire

@testable import Reactor

/// Flushes that nobody has asked for.
@Suite("Flushes in the background", .bothChannels, .timeLimit(.minutes(5)))
struct FlushingTests {
  private func harness(unflushedBytes: Int = 1 << 20) throws -> ReactorHarness {
    try ReactorHarness(unflushedBytes: unflushedBytes) { $0.flushesUnasked = true }
  }

  private func write(_ harness: ReactorHarness, _ block: UInt64, from first: Int = 0) throws {
    let unique = harness.write(offset: block * 512, .pattern(512, from: first))
    try harness.serve(.write16)
    #expect(harness.reply() == .init(unique: unique, error: 0, payload: .accepted(512)))
  }

  private func readTag(_ harness: ReactorHarness) throws -> InitiatorTaskTag {
    let command = try harness.command().view
    #expect(command.isRead)
    return command.header.initiatorTaskTag
  }

  private func expectQuiet(_ harness: ReactorHarness, _ unique: UInt64, error: Int32 = 0) throws {
    #expect(harness.reply() == .init(unique: unique, error: error, payload: []))
    #expect(try harness.sent() == nil)
    #expect(harness.busySlots == 0)
  }

  @Test("P4, E29: behind the first write the cache is flushed, once; nobody is answered")
  func first() throws {
    let harness = try harness()
    try write(harness, 0)
    try harness.serve(.synchronizeCache16)
    #expect(harness.reply() == nil)
    #expect(harness.busySlots == 0)
    for block in 1..<5 as Range<UInt64> { try write(harness, block) }
    #expect(try harness.sent() == nil)
  }

  @Test("P4, E29: the first fsync of a daemon is no error because of a loss, that flush done")
  func firstFsync() throws {
    let harness = try harness()
    try write(harness, 0)
    try harness.serve(.synchronizeCache16)
    try write(harness, 1)
    let unique = harness.request(.fsync)
    _ = try harness.command()
    try harness.reconnect()
    try harness.serve(.synchronizeCache16)
    harness.sendDataIn(try readTag(harness), .pattern(512))
    try expectQuiet(harness, unique)
  }

  @Test("P4, E29: a stream without fsync is flushed before there is no memory for it")
  func stream() throws {
    // 48 records: eight chunks of six.
    let harness = try harness(unflushedBytes: 2048)
    var flushes = 0
    for block in 0..<600 as Range<UInt64> {
      try write(harness, block)
      guard let sent = try harness.sent() else { continue }
      let flush = SCSICommand(sent.header)
      #expect(flush.header.word4 >> 56 == 0x91)
      harness.sendResponse(flush.header.initiatorTaskTag)
      flushes += 1
    }
    #expect(flushes > 10 && flushes <= 90)
    #expect(harness.port.sharedUnits.failures(3) == 0)
    try harness.reconnect()
    #expect(harness.port.sharedUnits.failures(3) == 0)
  }

  @Test("P4: of a unit one is under way at a time; one that failed is followed by another")
  func oneAtATime() throws {
    let harness = try harness(unflushedBytes: 2048)
    try write(harness, 0)
    let flush = try harness.command().view.header.initiatorTaskTag
    for block in 1..<30 as Range<UInt64> { try write(harness, block) }
    #expect(try harness.sent() == nil)
    harness.sendResponse(flush, .checkCondition, sense: .sense(0x3, 0x0C, 0))
    #expect(harness.reply() == nil)
    #expect(harness.busySlots == 0)
    try write(harness, 30)
    let next = try harness.command().view
    #expect(next.header.word4 >> 56 == 0x91)
    // A target may know the shorter form alone.
    harness.sendResponse(next.header.initiatorTaskTag, .checkCondition, sense: .sense(0x5, 0x20, 0))
    try harness.serve(.synchronizeCache10)
    #expect(harness.reply() == nil)
    #expect(try harness.sent() == nil)
    #expect(harness.busySlots == 0)
  }

  @Test("E29: one under way at a loss reads back; what it finds lost the next fsync tells, once")
  func loss() throws {
    let harness = try harness()
    try write(harness, 0)
    _ = try harness.command()
    try write(harness, 1, from: 4)
    try harness.reconnect()
    try harness.serve(.synchronizeCache16)
    harness.sendDataIn(try readTag(harness), .pattern(512) + .pattern(512))
    #expect(harness.reply() == nil)
    #expect(harness.busySlots == 0)
    try expectQuiet(harness, harness.request(.fsync), error: -EIO)
    try expectQuiet(harness, harness.request(.fsync))
  }

  /// An error that was told before a loss does not stand for what is lost by it.
  @Test("E29, P1: an error told while one is under way does not hide a later loss from it")
  func toldBefore() throws {
    let harness = try harness()
    try write(harness, 0)
    let flush = try harness.command().view.header.initiatorTaskTag
    harness.port.sharedUnits.oweError(3)
    let told = harness.request(.fsync)
    try harness.serve(.synchronizeCache16)
    #expect(harness.reply() == .init(unique: told, error: -EIO, payload: []))
    try write(harness, 1)
    try harness.reconnect()
    _ = flush
    try harness.serve(.synchronizeCache16)
    harness.sendDataIn(try readTag(harness), .pattern(512, from: 3))
    #expect(harness.busySlots == 0)
    try expectQuiet(harness, harness.request(.fsync), error: -EIO)
  }
}
