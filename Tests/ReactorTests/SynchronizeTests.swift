import FUSE
import Glibc
import ISCSI
import LogicalUnit
import SCSI
import Testing
import Wire

@testable import Reactor

@Suite("fsync of a LUN file", .bothChannels, .timeLimit(.minutes(5)))
struct SynchronizeTests {
  private func write(_ harness: ReactorHarness) throws {
    _ = harness.write(offset: 0, .pattern(512))
    harness.sendResponse(try harness.command().view.header.initiatorTaskTag)
    #expect(harness.reply()?.error == 0)
  }

  @Test("P1: flushes once for those who wrote before anyone here knew the unit")
  func earlierLife() throws {
    let harness = try ReactorHarness()
    let unique = harness.request(.fsync)
    let command = try harness.command().view
    #expect(command.header.word4 >> 56 == 0x91)
    harness.sendResponse(command.header.initiatorTaskTag)
    #expect(harness.reply() == .init(unique: unique, error: 0, payload: []))
  }

  @Test("sends nothing when nothing was written, one SYNCHRONIZE CACHE when something was")
  func once() throws {
    let harness = try ReactorHarness()
    _ = harness.request(.fsync)
    harness.sendResponse(try harness.command().view.header.initiatorTaskTag)
    #expect(harness.reply()?.error == 0)
    let idle = harness.request(.fsync)
    #expect(harness.reply() == .init(unique: idle, error: 0, payload: []))
    try write(harness)
    let unique = harness.request(.fsync)
    #expect(harness.reply() == nil)
    let command = try harness.command().view
    #expect(command.header.word4 == 0x9100_0000_0000_0000 && command.header.word5 == 0)
    #expect(!command.isRead && !command.isWrite && command.expectedDataTransferLength == 0)
    harness.sendResponse(command.header.initiatorTaskTag)
    #expect(harness.reply() == .init(unique: unique, error: 0, payload: []))
    let again = harness.request(.fsync)
    #expect(harness.reply() == .init(unique: again, error: 0, payload: []))
    #expect(try harness.sent() == nil)
  }

  @Test("does not cover a write that is answered after it was sent")
  func laterWrite() throws {
    let harness = try ReactorHarness()
    try write(harness)
    _ = harness.request(.fsync)
    let synchronize = try harness.command().view.header.initiatorTaskTag
    try write(harness)
    harness.sendResponse(synchronize)
    #expect(harness.reply()?.error == 0)
    _ = harness.request(.fsync)
    #expect(harness.reply() == nil)
    #expect(try harness.command().view.header.word4 >> 56 == 0x91)
  }

  @Test("sends nothing to a unit without a volatile cache")
  func noCache() throws {
    let harness = try ReactorHarness { $0.hasVolatileCache = false }
    try write(harness)
    let unique = harness.request(.fsync)
    #expect(harness.reply() == .init(unique: unique, error: 0, payload: []))
    #expect(try harness.sent() == nil)
  }

  @Test("covers what a split write had written before it failed")
  func partialWrite() throws {
    let harness = try ReactorHarness { registration in
      registration.geometry =
        (try? .init(
          logicalBlockLength: 512, lastLogicalBlockAddress: LogicalBlockAddress(8191),
          maximumTransferBlocks: 1)) ?? registration.geometry
    }
    _ = harness.write(offset: 0, .pattern(1024))
    harness.sendResponse(try harness.command().view.header.initiatorTaskTag)
    harness.sendResponse(
      try harness.command().view.header.initiatorTaskTag, .checkCondition,
      sense: .sense(0x3, 0x0C, 0))
    #expect(harness.reply()?.error == -EIO)
    _ = harness.request(.fsync)
    #expect(try harness.command().view.header.word4 >> 56 == 0x91)
  }

  @Test(
    "falls back to SYNCHRONIZE CACHE(10) where (16) is unknown, also behind a unit attention",
    arguments: [false, true])
  func tenBytes(behindUnitAttention: Bool) throws {
    let harness = try ReactorHarness()
    try write(harness)
    let unique = harness.request(.fsync)
    if behindUnitAttention {
      harness.sendResponse(
        try harness.command().view.header.initiatorTaskTag, .checkCondition,
        sense: .sense(0x6, 0x2A, 1))
    }
    harness.sendResponse(
      try harness.command().view.header.initiatorTaskTag, .checkCondition,
      sense: .sense(0x5, 0x20, 0))
    let ten = try harness.command().view
    #expect(ten.header.word4 >> 56 == 0x35)
    harness.sendResponse(ten.header.initiatorTaskTag)
    #expect(harness.reply() == .init(unique: unique, error: 0, payload: []))
  }

  @Test("that is refused in both forms is EIO, once")
  func refused() throws {
    let harness = try ReactorHarness()
    try write(harness)
    let unique = harness.request(.fsync)
    for _ in 0..<2 {
      harness.sendResponse(
        try harness.command().view.header.initiatorTaskTag, .checkCondition,
        sense: .sense(0x5, 0x20, 0))
    }
    #expect(harness.reply() == .init(unique: unique, error: -EIO, payload: []))
    #expect(try harness.sent() == nil)
  }

  @Test("P1: tells once of a deferred error, an earlier write's that was answered GOOD")
  func deferredError() throws {
    let harness = try ReactorHarness()
    try write(harness)
    let unique = harness.read(offset: 0, size: 512)
    harness.sendResponse(
      try harness.command().view.header.initiatorTaskTag, .checkCondition,
      sense: .sense(0x3, 0x0C, 0, deferred: true))
    harness.sendDataIn(try harness.command().view.header.initiatorTaskTag, .pattern(512))
    #expect(harness.reply() == .init(unique: unique, error: 0, payload: .pattern(512)))
    let told = harness.request(.fsync)
    harness.sendResponse(try harness.command().view.header.initiatorTaskTag)
    #expect(harness.reply() == .init(unique: told, error: -EIO, payload: []))
    let quiet = harness.request(.fsync)
    #expect(harness.reply() == .init(unique: quiet, error: 0, payload: []))
  }

  @Test("is sent again after a lost session; what an earlier daemon wrote may be gone: EIO")
  func lostSession() throws {
    let harness = try ReactorHarness()
    let unique = harness.request(.fsync)
    _ = try harness.command()
    try harness.reconnect()
    let again = try harness.command().view
    #expect(again.header.word4 >> 56 == 0x91)
    harness.sendResponse(again.header.initiatorTaskTag)
    #expect(harness.reply() == .init(unique: unique, error: -EIO, payload: []))
  }
}
