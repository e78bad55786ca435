import FUSE
import Glibc
import ISCSI
import LinuxIO
import SCSI
import SystemPackage
import Testing
import Wire

@testable import Reactor

/// What only requests in ring entries have; everything else runs on both channels.
@Suite("Requests in entries of a ring", .timeLimit(.minutes(5)))
struct RingTests {
  private func harness(
    parameters: NegotiatedParameters = NegotiatedParameters()
  ) throws -> ReactorHarness {
    try ReactorHarness.$channel.withValue(.ring) { try ReactorHarness(parameters: parameters) }
  }

  @Test("are answered in their entries and nothing is written to /dev/fuse")
  func answeredInEntries() throws {
    let harness = try harness()
    let unique = harness.read(offset: 512, size: 1024)
    #expect(harness.freeEntries?.count == 31)
    harness.sendDataIn(try harness.command().view.header.initiatorTaskTag, .pattern(1024))
    #expect(harness.commitCount == 1)
    #expect(harness.reply() == .init(unique: unique, error: 0, payload: .pattern(1024)))
    #expect(harness.freeEntries?.count == 32)
    #expect(harness.reply() == nil)
  }

  /// The kernel reuses an entry's memory at once, while the target still asks for the data.
  @Test("leave their data behind when the caller is answered before the target")
  func dataOutliveTheEntry() throws {
    var parameters = NegotiatedParameters()
    parameters.immediateData = false
    parameters.initialR2T = true
    let harness = try harness(parameters: parameters)
    let payload = [UInt8].pattern(2048)
    let unique = harness.write(offset: 512, payload)
    let task = try harness.command().view.header.initiatorTaskTag
    harness.giveUp(unique)
    // Another request takes the same entry.
    let other = harness.write(offset: 8192, [UInt8](repeating: 0xAA, count: 2048))
    let otherTask = try harness.command().view.header.initiatorTaskTag
    harness.sendR2T(task, transferTag: 9, r2tSN: 0, offset: 0, length: 2048)
    #expect(try #require(try harness.sent()).data == payload)
    harness.sendResponse(task)
    #expect(harness.reply() == nil)
    harness.sendR2T(otherTask, transferTag: 10, r2tSN: 0, offset: 0, length: 2048)
    #expect(try #require(try harness.sent()).data == [UInt8](repeating: 0xAA, count: 2048))
    harness.sendResponse(otherTask)
    #expect(harness.reply() == .init(unique: other, error: 0, payload: .accepted(2048)))
    #expect(harness.busySlots == 0)
  }

  @Test("still in the socket's queue go on from the slot's own pages")
  func queuedDataOutliveTheEntry() throws {
    var parameters = NegotiatedParameters()
    parameters.initialR2T = false
    parameters.firstBurstLength = 1 << 20
    parameters.maxXmitDataSegmentLength = 1 << 17
    let harness = try harness(parameters: parameters)
    // Fill the connection, so that a write's data stay queued.
    var last: UInt64 = 0
    for _ in 0..<8 where !harness.awaitsWritable {
      last = harness.write(offset: 0, .pattern(1 << 17))
    }
    #expect(harness.awaitsWritable)
    harness.interrupt(last)
    harness.advance(milliseconds: 1_000)
    // The harness overwrites the entry as it takes the answer.
    #expect(harness.reply() == .init(unique: last, error: -EINTR, payload: []))
    var data: [InitiatorTaskTag: [UInt8]] = [:]
    while let unit = try harness.sent() {
      data[unit.header.initiatorTaskTag, default: []] += unit.data
    }
    #expect(data.count > 1)
    for bytes in data.values { #expect(bytes == .pattern(1 << 17)) }
  }

  @Test("still queued on a session the write has left go on from the slot's own pages")
  func dataQueuedElsewhere() throws {
    var parameters = NegotiatedParameters()
    parameters.initialR2T = false
    parameters.firstBurstLength = 1 << 20
    parameters.maxXmitDataSegmentLength = 1 << 17
    let harness = try harness(parameters: parameters)
    var last: UInt64 = 0
    for _ in 0..<8 where !harness.awaitsWritable {
      last = harness.write(offset: 0, .pattern(1 << 17))
    }
    let slot = try #require(
      (0..<16).first { harness.reactor.slots[$0].caller.unique == last })
    let task = harness.reactor.slots[slot].tag(index: slot)
    #expect(harness.reactor.slots[slot].transmitsQueued > 0)
    let other = SessionHandle(index: 6, generation: 2)
    let silent = try harness.startSilent(other)
    defer { close(silent) }
    try harness.expose(lastBlock: 8191, sessions: [ReactorHarness.session, other])
    // A unit attention: the command is tried again, on the session with less to do.
    harness.sendResponse(task, .checkCondition, sense: .sense(6, 0x29, 0))
    #expect(harness.reactor.slots[slot].session == 6)
    #expect(harness.reactor.slots[slot].transmitsQueued > 0)
    harness.giveUp(last)
    var data: [UInt8] = []
    while let unit = try harness.sent() {
      if unit.header.initiatorTaskTag == task { data += unit.data }
    }
    #expect(data == .pattern(1 << 17))
  }

  /// The digest covers what has arrived in the entry, and what arrives after it was given back.
  @Test("whose answer is under way leave what has come of it where the rest is received")
  func payloadOutlivesTheEntry() throws {
    var parameters = NegotiatedParameters()
    parameters.dataDigest = true
    parameters.maxRecvDataSegmentLength = 1 << 16
    let harness = try harness(parameters: parameters)
    let unique = harness.read(offset: 0, size: 32768)
    let task = try harness.command().view.header.initiatorTaskTag
    let answer = DataIn(
      initiatorTaskTag: task, isFinal: true, status: (.good, harness.nextStatSN(), .none),
      expCmdSN: harness.window.exp, maxCmdSN: harness.window.max, dataSN: 0, bufferOffset: 0)
    let bytes = ProtocolDataUnit(header: answer.header, data: .pattern(32768)).encoded(
      headerDigest: false, dataDigest: true)
    harness.send(Array(bytes.prefix(10_000)))
    harness.giveUp(unique)
    harness.send(Array(bytes.dropFirst(10_000)))
    #expect(harness.sessionState == .up)
    #expect(harness.busySlots == 0)
  }

  @Test("that wait for a slot are interrupted as those that have one")
  func waitingInterrupted() throws {
    let harness = try harness()
    var uniques: [UInt64] = []
    for index in 0..<16 { uniques.append(harness.read(offset: UInt64(index) * 512, size: 512)) }
    #expect(harness.waitingCount == 1)
    harness.interrupt(uniques[15])
    harness.sendDataIn(try harness.command().view.header.initiatorTaskTag, .pattern(512))
    #expect(harness.reply() == .init(unique: uniques[0], error: 0, payload: .pattern(512)))
    #expect(harness.waitingCount == 0)
    harness.advance(milliseconds: 1_000)
    #expect(harness.reply() == .init(unique: uniques[15], error: -EINTR, payload: []))
  }

  /// What the slots wait for may never come, and only the last few interrupts are kept.
  @Test("P3 that wait for a slot let a caller go who is to end, interrupted or not")
  func waitingLetGo() throws {
    let harness = try harness()
    let child = try StoppedProcess()
    defer { child.end() }
    for index in 0..<15 { _ = harness.read(offset: UInt64(index) * 512, size: 512) }
    harness.thread = child.thread
    let uniques = (0..<12).map { harness.read(offset: UInt64($0) * 512, size: 512) }
    harness.thread = 0
    let stays = harness.read(offset: 0, size: 512)
    for unique in uniques { harness.interrupt(unique) }
    for _ in 0..<8 { harness.advance(milliseconds: 250) }
    #expect(harness.waitingCount == 13)
    child.signal(SIGTERM)
    harness.advance(milliseconds: 250)
    #expect(harness.waitingCount == 1)
    for unique in uniques {
      #expect(harness.reply() == .init(unique: unique, error: -EINTR, payload: []))
    }
    harness.interrupt(stays)
    harness.advance(milliseconds: 250)
    #expect(harness.reply() == .init(unique: stays, error: -EINTR, payload: []))
    #expect(harness.reply() == nil)
    #expect(harness.waitingCount == 0 && harness.unansweredSlots == 15)
  }

  @Test("P3 that have waited let their callers go also where the interrupt was forgotten")
  func begunLetGo() throws {
    let harness = try harness()
    let child = try StoppedProcess()
    defer { child.end() }
    for index in 0..<15 { _ = harness.read(offset: UInt64(index) * 512, size: 512) }
    harness.thread = child.thread
    let late = harness.read(offset: 0, size: 512)
    #expect(harness.waitingCount == 1)
    harness.sendDataIn(try harness.command().view.header.initiatorTaskTag, .pattern(512))
    #expect(harness.reply()?.error == 0 && harness.waitingCount == 0)
    child.signal(SIGTERM)
    for _ in 0..<4 { harness.advance(milliseconds: 250) }
    #expect(harness.reply() == .init(unique: late, error: -EINTR, payload: []))
    #expect(harness.reply() == nil)
  }

  /// The ring tells once of bytes and end together.
  @Test(
    "A connection that ends right behind its last bytes is lost at once",
    .enabled(if: (try? CompletionRing.check()) != nil))
  func endBehindBytes() throws {
    let harness = try harness()
    let ping = NOPIn(
      targetTransferTag: .reserved, statSN: SerialNumber(rawValue: 100),
      expCmdSN: harness.window.exp, maxCmdSN: harness.window.max)
    let bytes = ProtocolDataUnit(header: ping.header, data: []).encoded(
      headerDigest: false, dataDigest: false)
    #expect(unsafe Glibc.write(harness.target, bytes, bytes.count) == bytes.count)
    shutdown(harness.target, CInt(SHUT_RDWR))
    let isOpen = harness.reactor.openRing()
    try #require(isOpen)
    harness.reactor.registerRing()
    harness.turnByRing()
    #expect(harness.sessionState == .lost)
  }

  @Test("wait where every slot is busy, and are taken up in their order")
  func waitForSlots() throws {
    let harness = try harness()
    var uniques: [UInt64] = []
    for index in 0..<20 { uniques.append(harness.read(offset: UInt64(index) * 512, size: 512)) }
    #expect(harness.waitingCount == 5)
    for unique in uniques {
      harness.sendDataIn(try harness.command().view.header.initiatorTaskTag, .pattern(512))
      #expect(harness.reply() == .init(unique: unique, error: 0, payload: .pattern(512)))
    }
    #expect(harness.busySlots == 0 && harness.waitingCount == 0)
  }

  @Test("for the cold side need no slot")
  func coldWithoutSlots() throws {
    let harness = try harness()
    for index in 0..<16 { _ = harness.read(offset: UInt64(index) * 512, size: 512) }
    #expect(harness.waitingCount == 1)
    harness.request(FuseOpcode(rawValue: 3), node: 1, body: .pattern(16))
    #expect(harness.waitingCount == 1)
    #expect(harness.exchange?.pendingCount(queue: 0) == 1)
  }

  @Test("for the cold side are lent, answered by it and given back")
  func coldRequests() throws {
    let harness = try harness()
    let exchange = try #require(harness.exchange)
    let unique = harness.request(FuseOpcode(rawValue: 3), node: 1, body: .pattern(16))
    #expect(exchange.pendingCount(queue: 0) == 1)
    #expect(harness.commitCount == 0)
    let free = Set(harness.freeEntries ?? [])
    let entry = try #require((0..<32).first { !free.contains($0) })
    let channel = ReplyChannel(OwnedDescriptor(owning: dup(harness.kernel)), ring: exchange)
    try channel.send(RawReply.bytes(unique: unique, error: .permissionDenied))
    #expect(exchange.pendingCount(queue: 0) == 0)
    harness.reactor.takeColdReplies()
    #expect(harness.nextCommit == UInt16(entry))
    #expect(harness.reply() == .init(unique: unique, error: -EACCES, payload: []))
  }

  @Test(
    "that may wait for long never fill their queue, others may",
    arguments: [
      (.open, 0, 6), (.write, 0, 6), (.read, OpenFileNumber(ofStream: 7).rawValue, 6),
      (.read, 7, 0),
    ] as [(FuseOpcode, UInt64, Int)])
  func coldRequestsLeaveRoom(opcode: FuseOpcode, file: UInt64, expected: Int) throws {
    let harness = try harness()
    var body: [UInt8] = []
    body.appendNative(file)
    body += [UInt8](repeating: 0, count: 32)
    var refused = 0
    for _ in 0..<30 {
      let unique = harness.request(opcode, node: 1, body: body)
      if let reply = harness.reply() {
        #expect(reply == .init(unique: unique, error: -EAGAIN, payload: []))
        refused += 1
      }
    }
    #expect(refused == expected)
  }
}
