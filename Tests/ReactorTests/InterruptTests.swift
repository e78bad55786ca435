import FUSE
import Glibc
import ISCSI
import SCSI
import Testing
import Wire

@testable import Reactor

@Suite("An interrupted caller", .bothChannels, .timeLimit(.minutes(5)))
struct InterruptTests {
  @Test("a caller interrupted as its command is due again, its data unsent, is answered once")
  func interruptedWhenDue() throws {
    let harness = try ReactorHarness(parameters: .manySegments)
    harness.fillTransmitQueue()
    let (task, unique) = try #require(harness.taskWithUnsentData())
    harness.sendResponse(task, .busy)
    #expect(harness.delayedSlots == 1)
    let waiting = harness.queuedCount(5)
    harness.giveUp(unique)
    #expect(harness.delayedSlots == 0)
    #expect(harness.queuedCount(5) == waiting)
    #expect(harness.reply() == nil)
  }

  @Test("of healthy I/O gets its data: EINTR comes only after a second")
  func healthy() throws {
    let harness = try ReactorHarness()
    let unique = harness.read(offset: 0, size: 512)
    harness.interrupt(unique)
    harness.advance(milliseconds: 999)
    #expect(harness.reply() == nil)
    harness.sendDataIn(try harness.command().view.header.initiatorTaskTag, .pattern(512))
    #expect(harness.reply() == .init(unique: unique, error: 0, payload: .pattern(512)))
    harness.advance(milliseconds: 1_000)
    #expect(harness.reply() == nil)
  }

  /// No signal waits for this process, as when the freezer interrupts one.
  @Test("by what asks for nothing waits as it would have, and gets its data")
  func patient() throws {
    let harness = try ReactorHarness()
    harness.thread = UInt32(getpid())
    let unique = harness.read(offset: 0, size: 512)
    harness.interrupt(unique)
    for _ in 0..<20 { harness.advance(milliseconds: 250) }
    #expect(harness.reply() == nil)
    harness.sendDataIn(try harness.command().view.header.initiatorTaskTag, .pattern(512))
    #expect(harness.reply() == .init(unique: unique, error: 0, payload: .pattern(512)))
  }

  /// The reviewer's 200 readers of a frozen target: 128 of them lived on after SIGKILL.
  @Test(
    "P3 is let go also where every slot is taken and no interrupt can be read", .only(.device))
  func everySlotTaken() throws {
    let harness = try ReactorHarness()
    let child = try StoppedProcess()
    defer { child.end() }
    harness.thread = child.thread
    while !harness.reactor.isFUSEPaused { _ = harness.read(offset: 0, size: 512) }
    #expect(harness.unansweredSlots == harness.reactor.slots.requestCount)
    harness.advance(milliseconds: 2_000)
    #expect(harness.reply() == nil)
    child.signal(SIGTERM)
    harness.advance(milliseconds: 250)
    #expect(harness.unansweredSlots == 0)
    #expect(harness.reply()?.error == -EINTR)
  }

  @Test("P3 without an interrupt: what a killed process has only submitted is given up, no other's")
  func killedSubmitter() throws {
    let harness = try ReactorHarness()
    let child = try StoppedProcess()
    defer { child.end() }
    harness.thread = child.thread
    let unique = harness.read(offset: 0, size: 512)
    harness.thread = 0
    let other = harness.read(offset: 512, size: 512)
    child.signal(SIGTERM)
    harness.advance(milliseconds: 3_000)
    #expect(harness.reply() == nil, "who has submitted may take another signal meanwhile")
    child.signal(SIGKILL)
    harness.advance(milliseconds: 1_000)
    #expect(harness.reply() == .init(unique: unique, error: -EINTR, payload: []))
    #expect(harness.reply() == nil)
    harness.sendDataIn(try harness.command().view.header.initiatorTaskTag, .pattern(512))
    harness.sendDataIn(try harness.command().view.header.initiatorTaskTag, .pattern(512))
    #expect(harness.reply() == .init(unique: other, error: 0, payload: .pattern(512)))
    #expect(harness.busySlots == 0)
  }

  @Test("gets EINTR after a second, on time; the late answer frees the slot and nothing else")
  func inFlight() throws {
    let harness = try ReactorHarness()
    let unique = harness.write(offset: 0, .pattern(512))
    harness.interrupt(unique)
    harness.advance(milliseconds: 999)
    #expect(harness.sleep == 1)
    harness.advance(milliseconds: 1)
    #expect(harness.reply() == .init(unique: unique, error: -EINTR, payload: []))
    #expect(harness.busySlots == 1)
    harness.sendResponse(try harness.command().view.header.initiatorTaskTag)
    #expect(harness.reply() == nil)
    #expect(harness.busySlots == 0)
  }

  @Test("of a lost session gets EINTR, and the command is not sent again")
  func lostSession() throws {
    let harness = try ReactorHarness()
    let unique = harness.write(offset: 0, .pattern(512))
    let early = harness.write(offset: 512, .pattern(512))
    harness.giveUp(early)
    try harness.closeTarget()
    harness.interrupt(unique)
    #expect(harness.reply() == .init(unique: unique, error: -EINTR, payload: []))
    #expect(harness.busySlots == 0)
    try harness.reconnect()
    #expect(try harness.sent() == nil)
  }

  @Test("P3: of a path that has been away for a second is answered at once, however new")
  func awayForLong() throws {
    let harness = try ReactorHarness()
    _ = harness.read(offset: 0, size: 512)
    try harness.closeTarget()
    harness.advance(milliseconds: 500)
    let early = harness.read(offset: 512, size: 512)
    harness.interrupt(early)
    #expect(harness.reply() == nil)
    harness.advance(milliseconds: 500)
    // By now the path has been away for longer than healthy ones ever are.
    #expect(harness.reply() == .init(unique: early, error: -EINTR, payload: []))
    let late = harness.write(offset: 1024, .pattern(512))
    harness.interrupt(late)
    #expect(harness.reply() == .init(unique: late, error: -EINTR, payload: []))
  }

  @Test("P3: behind a command a silent target owes for a second is answered at once, however new")
  func silentForLong() throws {
    let harness = try ReactorHarness(timeouts: SessionTimeouts(pingIntervalMilliseconds: 0))
    // The session may have been idle for long before.
    harness.advance(milliseconds: 60_000)
    let first = harness.read(offset: 0, size: 512)
    harness.interrupt(first)
    harness.advance(milliseconds: 900)
    #expect(harness.reply() == nil)
    let second = harness.read(offset: 512, size: 512)
    harness.interrupt(second)
    #expect(harness.reply() == nil)
    harness.advance(milliseconds: 100)
    #expect(harness.reply() == .init(unique: first, error: -EINTR, payload: []))
    #expect(harness.reply() == .init(unique: second, error: -EINTR, payload: []))
    let third = harness.read(offset: 1024, size: 512)
    harness.interrupt(third)
    #expect(harness.reply() == .init(unique: third, error: -EINTR, payload: []))
    // Anything at all from the target, and its path is healthy again.
    let task = try harness.command().view.header.initiatorTaskTag
    harness.sendDataIn(task, .pattern(512))
    let fourth = harness.read(offset: 2048, size: 512)
    harness.interrupt(fourth)
    harness.advance(milliseconds: 900)
    #expect(harness.reply() == nil)
  }

  @Test("that waits for a range gives its place up, and the next goes on")
  func rangeLock() throws {
    let harness = try ReactorHarness()
    let first = harness.write(offset: 100, [1])
    let second = harness.write(offset: 0, .pattern(512))
    let third = harness.write(offset: 0, .pattern(512, from: 3))
    harness.giveUp(second)
    harness.sendDataIn(try harness.command().view.header.initiatorTaskTag, .pattern(512))
    harness.sendResponse(try harness.command().view.header.initiatorTaskTag)
    #expect(harness.reply()?.unique == first)
    let last = try harness.command()
    #expect(last.unit.data == .pattern(512, from: 3))
    harness.sendResponse(last.view.header.initiatorTaskTag)
    #expect(harness.reply()?.unique == third)
    #expect(harness.busySlots == 0)
  }

  @Test("of a read-modify-write has written nothing when its read comes back")
  func readModifyWrite() throws {
    let harness = try ReactorHarness()
    let unique = harness.write(offset: 100, [1])
    let waiting = harness.write(offset: 0, .pattern(512))
    harness.giveUp(unique)
    harness.sendDataIn(try harness.command().view.header.initiatorTaskTag, .pattern(512))
    let next = try harness.command()
    #expect(next.unit.data == .pattern(512))
    harness.sendResponse(next.view.header.initiatorTaskTag)
    #expect(harness.reply() == .init(unique: waiting, error: 0, payload: .accepted(512)))
    #expect(harness.busySlots == 0)
  }

  @Test("that waits to be tried again gets EINTR")
  func delayed() throws {
    let harness = try ReactorHarness()
    let unique = harness.read(offset: 0, size: 512)
    for _ in 0..<6 {
      harness.sendResponse(try harness.command().view.header.initiatorTaskTag, .busy)
      harness.advance(milliseconds: 2_000)
    }
    harness.sendResponse(try harness.command().view.header.initiatorTaskTag, .busy)
    harness.interrupt(unique)
    #expect(harness.reply() == .init(unique: unique, error: -EINTR, payload: []))
    #expect(harness.delayedSlots == 0)
    harness.advance(milliseconds: 2_000)
    #expect(try harness.sent() == nil)
  }
}

extension ReactorHarness {
  /// Requests whose callers wait.
  var unansweredSlots: Int {
    (0..<reactor.slots.requestCount).count {
      reactor.slots[$0].kind != .free && !reactor.slots[$0].isAnswered
    }
  }

  /// A write at the target of which some data have not left yet: its tag and its caller's number.
  fileprivate func taskWithUnsentData() -> (InitiatorTaskTag, UInt64)? {
    for index in 0..<reactor.slots.requestCount
    where reactor.slots[index].stage == .inFlight && reactor.slots[index].transmitsQueued > 0 {
      return (reactor.slots[index].tag(index: index), reactor.slots[index].caller.unique)
    }
    return nil
  }
}

extension ReactorHarness {
  /// The kernel tells that the caller of `request` wants it over.
  func interrupt(_ request: UInt64) {
    var body = [UInt8]()
    body.appendNative(request)
    self.request(.interrupt, node: 0, body: body)
  }

  /// The same, and it is over: a healthy path takes no longer than a second.
  func giveUp(_ request: UInt64, sourceLocation: SourceLocation = #_sourceLocation) {
    interrupt(request)
    advance(milliseconds: 1_000)
    #expect(
      reply() == .init(unique: request, error: -EINTR, payload: []),
      sourceLocation: sourceLocation)
  }
}
