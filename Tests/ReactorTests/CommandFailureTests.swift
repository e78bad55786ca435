import FUSE
import Glibc
import ISCSI
import SCSI
import Testing
import Wire

@testable import Reactor

@Suite("Why a call failed is told", .bothChannels, .timeLimit(.minutes(5)))
struct CommandFailureTests {
  private let badBlock: [UInt8] = {
    var sense = [UInt8].sense(0x3, 0x11, 0)
    sense[0] = 0xF0  // INFORMATION is valid
    sense[6] = 9
    return sense
  }()

  private func failures(_ harness: ReactorHarness) async -> [CommandFailure] {
    await harness.events().compactMap { event in
      guard case .commandFailed(let unit, let failure) = event else { return nil }
      #expect(unit == ReactorHarness.unit)
      return failure
    }
  }

  @Test("with the command, its block and the target's sense; of many the first in a second")
  func ended() async throws {
    let harness = try ReactorHarness()
    func fail(block: UInt64) throws {
      let unique = harness.read(offset: block * 512, size: 1024)
      harness.sendResponse(
        try harness.command().view.header.initiatorTaskTag, .checkCondition, sense: badBlock)
      #expect(harness.reply() == .init(unique: unique, error: -EIO, payload: []))
    }
    try fail(block: 8)
    for _ in 0..<100 { try fail(block: 9) }
    harness.advance(milliseconds: 1_000)
    try fail(block: 10)
    let sense = SenseData(
      key: .mediumError, additionalSense: AdditionalSense(code: 0x11, qualifier: 0), information: 9)
    let told = await failures(harness)
    #expect(told.map(\.command?.logicalBlockAddress) == [8, 10])
    #expect(told.allSatisfy { $0.cause == .ended(.mediumError, sense) })
    #expect(
      told.first?.description
        == "READ(16) at block 8: The medium has an unrecoverable error "
        + "(MEDIUM ERROR 11/00, block 9)"
    )
  }

  @Test("also that of a write, refused and sent without sense data; not what succeeds in the end")
  func refused() async throws {
    let harness = try ReactorHarness()
    let first = harness.write(offset: 0, .pattern(512))
    harness.sendResponse(try harness.command().view.header.initiatorTaskTag, .busy)
    harness.advance(milliseconds: 50)
    harness.sendResponse(try harness.command().view.header.initiatorTaskTag)
    #expect(harness.reply() == .init(unique: first, error: 0, payload: .accepted(512)))
    let second = harness.write(offset: 512, .pattern(512))
    harness.sendResponse(
      try harness.command().view.header.initiatorTaskTag, .reservationConflict)
    #expect(harness.reply() == .init(unique: second, error: -EBADE, payload: []))
    let told = await failures(harness)
    #expect(
      told.map(\.description) == ["WRITE(16) at block 1: Another initiator holds a reservation"])
  }

  @Test("a command whose time is up is told once; the late answer says nothing more")
  func unanswered() async throws {
    let harness = try ReactorHarness(
      timeouts: SessionTimeouts(
        replacementMilliseconds: 30_000, pingIntervalMilliseconds: 0,
        abortMilliseconds: 600_000))
    let unique = harness.read(offset: 0, size: 512)
    let task = try harness.command().view.header.initiatorTaskTag
    for _ in 0..<121 where harness.unansweredSlots > 0 { harness.advance(milliseconds: 250) }
    #expect(harness.reply() == .init(unique: unique, error: -EIO, payload: []))
    harness.sendResponse(task, .checkCondition, sense: badBlock)
    let told = await failures(harness)
    #expect(
      told.map(\.description) == ["READ(16) at block 0: no answer in the time I/O may wait"])
  }

  @Test("a fsync that tells of lost writes says so")
  func writesLost() async throws {
    let harness = try ReactorHarness()
    let write = harness.write(offset: 0, .pattern(512))
    harness.sendResponse(try harness.command().view.header.initiatorTaskTag)
    #expect(harness.reply() == .init(unique: write, error: 0, payload: .accepted(512)))
    let other = harness.write(offset: 512, .pattern(512))
    harness.sendResponse(
      try harness.command().view.header.initiatorTaskTag, .checkCondition,
      sense: .sense(0x3, 0x0C, 0, deferred: true))
    harness.sendResponse(try harness.command().view.header.initiatorTaskTag)
    #expect(harness.reply() == .init(unique: other, error: 0, payload: .accepted(512)))
    let sync = harness.request(.fsync)
    harness.sendResponse(try harness.command().view.header.initiatorTaskTag)
    #expect(harness.reply() == .init(unique: sync, error: -EIO, payload: []))
    let told = await failures(harness)
    #expect(told.map(\.cause) == [.writesLost])
    #expect(told.first?.description.contains("have not reached the medium") == true)
  }
}
