import FUSE
import Glibc
import ISCSI
import LogicalUnit
import SCSI
import SystemPackage
import Testing

@testable import Reactor

/// The bound on a LUN's commands in flight, and what TASK SET FULL and BUSY do to it.
@Suite("Queue depth", .bothChannels, .timeLimit(.minutes(5)))
struct QueueDepthTests {
  private static let other = LogicalUnitHandle(index: 4, generation: 1)

  private func harness(
    depth: UInt16, replacementMilliseconds: UInt64 = 120_000
  ) throws -> ReactorHarness {
    try ReactorHarness(
      timeouts: SessionTimeouts(
        replacementMilliseconds: replacementMilliseconds, pingIntervalMilliseconds: 0)
    ) { $0.queueDepth = depth }
  }

  private func tags(_ harness: ReactorHarness) throws -> [InitiatorTaskTag] {
    var tags: [InitiatorTaskTag] = []
    while let unit = try harness.sent() { tags.append(unit.header.initiatorTaskTag) }
    return tags
  }

  /// Where a READ(16) or WRITE(16) begins.
  private func block(_ command: SCSICommand) -> UInt64 { command.header.word5 >> 48 }

  private func depth(_ harness: ReactorHarness) async throws -> UInt16? {
    try await harness.told({ .queueDepth(ReactorHarness.unit, $0) }, meanwhile: {})
  }

  @Test("queue_depth holds a LUN's commands back, in order, and no other LUN's")
  func bound() async throws {
    let harness = try harness(depth: 2)
    harness.port.expose(
      Self.other,
      LogicalUnitRegistration(
        sessions: [ReactorHarness.session], lun: LogicalUnitNumber(number: 2),
        geometry: try Geometry(
          logicalBlockLength: 512, lastLogicalBlockAddress: LogicalBlockAddress(8191)),
        isWriteProtected: false, supportsForceUnitAccess: false, hasVolatileCache: false,
        supportsSixteenByteCommands: true))
    let reads = (0..<4).map { harness.read(offset: UInt64($0) * 512, size: 512) }
    let first = try harness.command()
    _ = try harness.command()
    #expect(try harness.sent() == nil)
    var body = [UInt8]()
    for value in [1, 0, 512, 0, 0] as [UInt64] { body.appendNative(value) }
    harness.request(.read, node: Self.other.nodeID, body: body)
    #expect(try harness.command().view.logicalUnit == LogicalUnitNumber(number: 2))
    harness.sendDataIn(first.view.header.initiatorTaskTag, .pattern(512))
    #expect(harness.reply() == .init(unique: reads[0], error: 0, payload: .pattern(512)))
    #expect(try block(harness.command().view) == 2)
    #expect(try harness.sent() == nil)
    #expect(try await depth(harness) == 2)
  }

  @Test("A request of several commands keeps its place")
  func severalCommands() throws {
    let harness = try harness(depth: 1)
    _ = harness.write(offset: 1, .pattern(2))
    _ = harness.read(offset: 4096, size: 512)
    harness.sendDataIn(try harness.command().view.header.initiatorTaskTag, .pattern(512))
    let write = try harness.command()
    #expect(write.view.isWrite)
    #expect(try harness.sent() == nil)
    harness.sendResponse(write.view.header.initiatorTaskTag)
    #expect(try block(harness.command().view) == 8)
  }

  @Test(
    "TASK SET FULL and BUSY halve it, once for all commands under way", arguments: [false, true])
  func halved(isBusy: Bool) async throws {
    let harness = try harness(depth: 8)
    for index in 0..<10 { _ = harness.read(offset: UInt64(index) * 512, size: 512) }
    let refused = try tags(harness)
    #expect(refused.count == 8)
    // Those that waited are sent when places come free: half as many as before.
    for tag in refused { harness.sendResponse(tag, isBusy ? .busy : .taskSetFull) }
    #expect(try await depth(harness) == 4)
    var waiting = try tags(harness)
    #expect(waiting.count == 2)
    harness.advance(milliseconds: 60)
    waiting += try tags(harness)
    #expect(waiting.count == 4)
    // Sent after the bound was halved: it is too high still.
    harness.sendResponse(waiting[3], .taskSetFull)
    #expect(try await depth(harness) == 2)
    for tag in waiting.dropLast() { harness.sendDataIn(tag, .pattern(512)) }
    var answered = 3
    while answered < 10 {
      harness.advance(milliseconds: 120)
      let sent = try tags(harness)
      #expect(sent.count <= 4)
      for tag in sent { harness.sendDataIn(tag, .pattern(512)) }
      answered += sent.count
    }
    var replies: [Int32] = []
    while let reply = harness.reply() { replies.append(reply.error) }
    #expect(replies == [Int32](repeating: 0, count: 10))
    #expect(harness.busySlots == 0)
  }

  @Test("It is back within 30 s of the last refusal, also without I/O")
  func recovers() async throws {
    let harness = try harness(depth: 32)
    let unique = harness.read(offset: 0, size: 512)
    for milliseconds: UInt64 in [50, 100, 200, 400, 800] {
      harness.sendResponse(try harness.command().view.header.initiatorTaskTag, .taskSetFull)
      harness.advance(milliseconds: milliseconds + 20)
    }
    #expect(try await depth(harness) == 1)
    harness.sendDataIn(try harness.command().view.header.initiatorTaskTag, .pattern(512))
    #expect(harness.reply() == .init(unique: unique, error: 0, payload: .pattern(512)))
    harness.advance(milliseconds: 8_000)
    let half = try #require(try await depth(harness))
    #expect(half > 10 && half < 24)
    harness.advance(milliseconds: 10_000)
    #expect(try await depth(harness) == 32)
    for index in 0..<10 { _ = harness.read(offset: UInt64(index) * 512, size: 512) }
    #expect(try tags(harness).count == 10)
  }

  @Test("Who waits for a place goes ahead as the bound grows, while a command is not answered")
  func grows() throws {
    let harness = try harness(depth: 4)
    for index in 0..<4 { _ = harness.read(offset: UInt64(index) * 512, size: 512) }
    for tag in try tags(harness) { harness.sendResponse(tag, .taskSetFull) }
    harness.advance(milliseconds: 60)
    #expect(try tags(harness).count == 2)
    for _ in 0..<17 { harness.advance(milliseconds: 1_000) }
    #expect(try tags(harness).count == 2)
  }

  @Test("A caller that waits for a place can be interrupted, and its command is never sent")
  func interrupted() throws {
    let harness = try harness(depth: 1)
    let first = harness.read(offset: 0, size: 512)
    let others = (1..<4).map { harness.read(offset: UInt64($0) * 512, size: 512) }
    let task = try harness.command().view.header.initiatorTaskTag
    for unique in [others[1], others[0], others[2]] {
      harness.interrupt(unique)
      harness.advance(milliseconds: 1_100)
      #expect(harness.reply() == .init(unique: unique, error: -EINTR, payload: []))
    }
    harness.sendDataIn(task, .pattern(512))
    #expect(harness.reply() == .init(unique: first, error: 0, payload: .pattern(512)))
    #expect(try harness.sent() == nil)
    #expect(harness.busySlots == 0)
  }

  @Test("A lost session's commands go first when it is back, then those that waited")
  func recovered() throws {
    let harness = try harness(depth: 1)
    _ = harness.write(offset: 0, .pattern(512))
    _ = harness.write(offset: 512, .pattern(512))
    _ = try harness.command()
    try harness.closeTarget()
    try harness.reconnect()
    let again = try harness.command()
    #expect(block(again.view) == 0)
    #expect(try harness.sent() == nil)
    harness.sendResponse(again.view.header.initiatorTaskTag)
    #expect(try block(harness.command().view) == 1)
  }

  @Test("Past replacement_timeout those that wait for a place fail with the others")
  func expired() throws {
    let harness = try harness(depth: 1, replacementMilliseconds: 3_000)
    let reads = (0..<3).map { harness.read(offset: UInt64($0) * 512, size: 512) }
    _ = try harness.command()
    try harness.closeTarget()
    harness.advance(milliseconds: 2_900)
    #expect(harness.reply() == nil)
    harness.advance(milliseconds: 200)
    for unique in reads {
      #expect(harness.reply() == .init(unique: unique, error: -ENOLINK, payload: []))
    }
    #expect(harness.busySlots == 0)
  }

  @Test("A LUN that answers nothing fails those that wait, by their own clocks")
  func overdue() throws {
    let harness = try harness(depth: 1, replacementMilliseconds: 40_000)
    let first = harness.read(offset: 0, size: 512)
    harness.advance(milliseconds: 10_000)
    let second = harness.read(offset: 512, size: 512)
    harness.advance(milliseconds: 30_250)
    #expect(harness.reply() == .init(unique: first, error: -EIO, payload: []))
    #expect(harness.reply() == nil)
    harness.advance(milliseconds: 10_000)
    #expect(harness.reply()?.unique == second)
  }

  @Test("A LUN that is withdrawn, and a reactor that ends, answer those that wait")
  func ends() async throws {
    for isWithdrawn in [true, false] {
      let harness = try harness(depth: 1)
      let reads = (0..<4).map { harness.read(offset: UInt64($0) * 512, size: 512) }
      if isWithdrawn {
        _ = harness.port.withdraw(ReactorHarness.unit, error: .noSuchAddressOrDevice)
        harness.turn()
      } else {
        harness.stop()
      }
      var answered: Set<UInt64> = []
      while let reply = harness.reply() {
        #expect(reply.error == (isWithdrawn ? -ENXIO : -ENOTCONN))
        answered.insert(reply.unique)
      }
      #expect(answered == Set(reads))
    }
  }

  @Test("The bound is never 0 nor above what is set")
  func bounds() {
    var depth = QueueDepth()
    depth.use(maximum: 1024)
    var now: UInt64 = 0
    for _ in 0..<20 {
      depth.cut(sentAt: now, now: now)
      now += 1
    }
    #expect(depth.limit == 1)
    var last: UInt16 = 1
    for _ in 0..<30 {
      now += Interval.second
      let bound = depth.bound(at: now)
      #expect(bound >= last && bound <= 1024)
      last = bound
    }
    #expect(last == 1024)
    #expect(depth.bound(at: .max) == 1024)
    depth.recover(now: now)
    #expect(!depth.isReduced)
    depth.use(maximum: 4)
    #expect(depth.limit == 4)
  }
}
