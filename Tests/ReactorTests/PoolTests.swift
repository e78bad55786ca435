import Glibc
import ISCSI
import SCSI
import Testing

@testable import Reactor

@Suite("Several sessions of a LUN", .bothChannels, .timeLimit(.minutes(1)))
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
}
