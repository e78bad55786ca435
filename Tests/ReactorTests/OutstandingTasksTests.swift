import ISCSI
import SCSI
import Testing

@testable import Reactor

@Suite("A session's outstanding tasks", .bothChannels, .timeLimit(.minutes(5)))
struct OutstandingTasksTests {
  @Test(
    "are shown with tag, LUN, CDB, length, age and state, and no longer once they have a status")
  func shown() async throws {
    let harness = try ReactorHarness()
    _ = harness.read(offset: 4096, size: 1024)
    let tag = try harness.command().view.header.initiatorTaskTag
    harness.advance(milliseconds: 250)
    _ = harness.write(offset: 0, .pattern(512))
    let write = try harness.command().view.header.initiatorTaskTag
    harness.advance(milliseconds: 100)
    #expect(
      try await harness.tasks() == [
        OutstandingTask(
          tag: tag, lun: LogicalUnitNumber(number: 1),
          cdb: .read16(lba: LogicalBlockAddress(8), blocks: 2), byteCount: 1024,
          ageMilliseconds: 350,
          state: .sent),
        OutstandingTask(
          tag: write, lun: LogicalUnitNumber(number: 1),
          cdb: .write16(lba: LogicalBlockAddress(0), blocks: 1), byteCount: 512,
          ageMilliseconds: 100,
          state: .sent),
      ])
    harness.sendDataIn(tag, .pattern(1024))
    #expect(try await harness.tasks()?.map(\.tag) == [write])
    harness.sendResponse(write)
    #expect(try await harness.tasks() == [])
  }

  @Test("wait in the queue under the tag they are sent with")
  func queued() async throws {
    let harness = try ReactorHarness()
    try harness.closeTarget()
    _ = harness.read(offset: 0, size: 512)
    let waiting = try #require(try await harness.tasks())
    #expect(waiting.map(\.state) == [.queued])
    try harness.reconnect()
    let sent = try harness.command().view.header.initiatorTaskTag
    #expect(waiting.map(\.tag) == [sent])
    #expect(try await harness.tasks()?.map(\.state) == [.sent])
  }

  @Test("whose caller was interrupted are abandoned, and there until the target answers")
  func abandoned() async throws {
    let harness = try ReactorHarness()
    let unique = harness.read(offset: 0, size: 512)
    let tag = try harness.command().view.header.initiatorTaskTag
    harness.interrupt(unique)
    harness.advance(milliseconds: 1_000)
    #expect(harness.reply()?.unique == unique)
    #expect(try await harness.tasks()?.map(\.state) == [.abandoned])
    harness.sendDataIn(tag, .pattern(512))
    #expect(try await harness.tasks() == [])
  }

  @Test("of a session that is not there are none, and nobody waits for a reactor that has ended")
  func absent() async throws {
    let harness = try ReactorHarness()
    let other = SessionHandle(index: 5, generation: 9)
    #expect(try await harness.told({ .tasks(other, $0) }, meanwhile: {}) == nil)
    harness.stop()
    #expect(await harness.port.tasks(ReactorHarness.session) == nil)
  }
}

extension ReactorHarness {
  fileprivate func tasks() async throws -> [OutstandingTask]? {
    try await told({ .tasks(Self.session, $0) }, meanwhile: {})
  }
}
