import FUSE
import Glibc
import ISCSI
import LinuxIO
import LogicalUnit
import SCSI
import SystemPackage
import Testing

@testable import Reactor

@Suite("Two reactors of a mount", .timeLimit(.minutes(5)))
struct TwoReactorsTests {
  @Test("serve what comes to them on sessions of their own")
  func apart() throws {
    let both = try TwoReactors()
    for harness in [both.first, both.second] {
      let unique = harness.read(offset: 0, size: 512)
      harness.sendDataIn(try harness.command().view.header.initiatorTaskTag, .pattern(512))
      #expect(harness.reply() == .init(unique: unique, error: 0, payload: .pattern(512)))
    }
  }

  @Test("hand over what only the other has a session for; the entry goes along and comes back")
  func handOver() throws {
    let both = try TwoReactors(sessions: [4])
    let unique = both.second.read(offset: 0, size: 512)
    both.turn()
    #expect(try both.second.sent() == nil)
    both.first.sendDataIn(try both.first.command().view.header.initiatorTaskTag, .pattern(512))
    #expect(both.second.reply() == nil)
    #expect(both.first.nextCommit == 31)
    #expect(both.first.reply() == .init(unique: unique, error: 0, payload: .pattern(512)))
    // The entry of the second one's queue is the first one's now: it serves the next request in
    // it, and hands it back as soon as its owner can.
    let next = both.first.read(offset: 512, size: 512)
    both.first.sendDataIn(try both.first.command().view.header.initiatorTaskTag, .pattern(512))
    #expect(both.first.reply() == .init(unique: next, error: 0, payload: .pattern(512)))
    both.first.port.expose(ReactorHarness.unit, try registration([4, 5]))
    both.turn()
    let last = both.first.read(offset: 1024, size: 512)
    both.turn()
    #expect(try both.first.sent() == nil)
    both.second.sendDataIn(try both.second.command().view.header.initiatorTaskTag, .pattern(512))
    #expect(both.second.reply() == .init(unique: last, error: 0, payload: .pattern(512)))
  }

  /// A session resumed after the call is resumed behind it on its own reactor too.
  @Test("are both asked to withdraw a file before the call returns; quiet is when both are")
  func withdraw() async throws {
    let both = try TwoReactors()
    let unique = both.second.read(offset: 0, size: 512)
    let task = try both.second.command().view.header.initiatorTaskTag
    let withdrawal = both.first.port.withdraw(ReactorHarness.unit, error: .staleNFSFileHandle)
    both.turn()
    for harness in [both.first, both.second] {
      #expect(harness.reactor.units[3].state == .withdrawn)
    }
    #expect(both.second.reply() == .init(unique: unique, error: -ESTALE, payload: []))
    #expect(both.first.waitingWithdrawals == 0 && both.second.waitingWithdrawals == 1)
    both.second.sendDataIn(task, .pattern(512))
    await withdrawal.whenQuiet()
  }

  @Test("flush what the other has written")
  func flush() throws {
    let both = try TwoReactors()
    let write = both.second.write(offset: 0, .pattern(512))
    both.second.sendResponse(try both.second.command().view.header.initiatorTaskTag)
    #expect(both.second.reply() == .init(unique: write, error: 0, payload: .accepted(512)))
    let flush = both.first.request(.fsync, body: .pattern(16))
    let command = try both.first.command().view
    #expect(command.header.word4 >> 56 == 0x91)
    both.first.sendResponse(command.header.initiatorTaskTag)
    #expect(both.first.reply() == .init(unique: flush, error: 0, payload: []))
    let again = both.second.request(.fsync, body: .pattern(16))
    #expect(both.second.reply() == .init(unique: again, error: 0, payload: []))
  }

  /// Of two writes at the target at once, on two reactors, either may be what is left.
  @Test("E29: a flush does not free what another reactor's write beside it may have overtaken")
  func racingWrites() throws {
    let both = try TwoReactors()
    let second = both.second.write(offset: 0, .pattern(512, from: 2))
    let task = try both.second.command().view.header.initiatorTaskTag
    let first = both.first.write(offset: 0, .pattern(512))
    try both.first.serve(.write16)
    #expect(both.first.reply() == .init(unique: first, error: 0, payload: .accepted(512)))
    let flush = both.first.request(.fsync, body: .pattern(16))
    try both.first.serve(.synchronizeCache16)
    #expect(both.first.reply() == .init(unique: flush, error: 0, payload: []))
    both.second.sendResponse(task)
    #expect(both.second.reply() == .init(unique: second, error: 0, payload: .accepted(512)))
    try both.first.reconnect()
    both.turn()
    let unique = both.first.request(.fsync, body: .pattern(16))
    try both.first.serve(.synchronizeCache16)
    both.first.sendDataIn(try both.first.command().view.header.initiatorTaskTag, .pattern(512))
    #expect(both.first.reply() == .init(unique: unique, error: 0, payload: []))
    #expect(both.first.busySlots == 0 && both.second.busySlots == 0)
  }

  @Test("E29: who reads back waits for the other's write, and judges by both")
  func readBackBeside() throws {
    let both = try TwoReactors()
    let write = both.first.write(offset: 0, .pattern(512))
    try both.first.serve(.write16)
    #expect(both.first.reply() == .init(unique: write, error: 0, payload: .accepted(512)))
    try both.first.reconnect()
    let other = both.second.write(offset: 0, .pattern(512, from: 5))
    let task = try both.second.command().view.header.initiatorTaskTag
    let unique = both.first.request(.fsync, body: .pattern(16))
    try both.first.serve(.synchronizeCache16)
    // It has executed, and is not answered.
    #expect(try both.first.sent() == nil)
    both.second.sendResponse(task)
    #expect(both.second.reply() == .init(unique: other, error: 0, payload: .accepted(512)))
    both.turn()
    let read = try both.first.command().view
    #expect(read.isRead)
    // One that comes now is the reader's to order.
    let late = both.second.write(offset: 0, .pattern(512, from: 7))
    both.turn()
    #expect(try both.second.sent() == nil)
    both.first.sendDataIn(read.header.initiatorTaskTag, .pattern(512, from: 5))
    #expect(both.first.reply() == nil)
    try both.first.serve(.write16)
    #expect(both.first.reply() == .init(unique: late, error: 0, payload: .accepted(512)))
    // What it has found was answered behind the flush.
    try both.first.serve(.synchronizeCache16)
    #expect(both.first.reply() == .init(unique: unique, error: 0, payload: []))
  }

  /// Both reactors write parts of one block: neither may lose the other's bytes.
  @Test("never rewrite one block both at a time")
  func rewrites() throws {
    let both = try TwoReactors()
    let one = both.first.write(offset: 0, [1, 2, 3])
    let two = both.second.write(offset: 100, [4, 5, 6])
    both.turn()
    #expect(try both.second.sent() == nil)
    let read = try both.first.command().view
    #expect(read.isRead)
    #expect(try both.first.sent() == nil)
    both.first.sendDataIn(read.header.initiatorTaskTag, [UInt8](repeating: 9, count: 512))
    let write = try both.first.command()
    #expect(Array(write.unit.data.prefix(4)) == [1, 2, 3, 9])
    both.first.sendResponse(write.view.header.initiatorTaskTag)
    #expect(both.first.reply() == .init(unique: one, error: 0, payload: .accepted(3)))
    let secondRead = try both.first.command().view
    both.first.sendDataIn(secondRead.header.initiatorTaskTag, write.unit.data)
    let secondWrite = try both.first.command()
    #expect(Array(secondWrite.unit.data[0..<3]) == [1, 2, 3])
    #expect(Array(secondWrite.unit.data[99..<104]) == [9, 4, 5, 6, 9])
    both.first.sendResponse(secondWrite.view.header.initiatorTaskTag)
    #expect(both.first.reply() == .init(unique: two, error: 0, payload: .accepted(3)))
  }

  @Test("A rewrite waits for the other's whole-block write that is under way, and no longer")
  func rewriteWaits() throws {
    let both = try TwoReactors()
    let whole = both.second.write(offset: 0, .pattern(512))
    let task = try both.second.command().view.header.initiatorTaskTag
    let part = both.first.write(offset: 10, [1])
    #expect(try both.first.sent() == nil)
    // Another whole block that comes to the second one now is the first one's to order.
    let later = both.second.write(offset: 512, .pattern(512))
    both.turn()
    #expect(try both.second.sent() == nil)
    let moved = try both.first.command().view
    #expect(!moved.isRead)
    both.second.sendResponse(task)
    #expect(both.second.reply() == .init(unique: whole, error: 0, payload: .accepted(512)))
    both.turn()
    let read = try both.first.command().view
    #expect(read.isRead)
    both.first.sendResponse(moved.header.initiatorTaskTag)
    #expect(both.first.reply() == .init(unique: later, error: 0, payload: .accepted(512)))
    both.first.sendDataIn(read.header.initiatorTaskTag, .pattern(512))
    both.first.sendResponse(try both.first.command().view.header.initiatorTaskTag)
    #expect(both.first.reply() == .init(unique: part, error: 0, payload: .accepted(1)))
    // The gate is open again.
    let free = both.second.write(offset: 0, .pattern(512))
    both.second.sendResponse(try both.second.command().view.header.initiatorTaskTag)
    #expect(both.second.reply() == .init(unique: free, error: 0, payload: .accepted(512)))
  }

  /// The part of a block it brings is at the target, of a session that is lost.
  @Test("P2, E02: a partial write given up with its session keeps its blocks, not the LUN")
  func givenUpPart() throws {
    let both = try TwoReactors()
    let part = both.first.write(offset: 10, [1])
    both.first.sendDataIn(try both.first.command().view.header.initiatorTaskTag, .pattern(512))
    #expect(try !both.first.command().view.isRead)
    both.first.giveUp(part)
    try both.first.closeTarget()
    // Other blocks, whole or in part, are written over the other's session.
    let whole = both.second.write(offset: 512, .pattern(512))
    both.turn()
    try both.second.serve(.write16)
    #expect(both.second.reply() == .init(unique: whole, error: 0, payload: .accepted(512)))
    let other = both.second.write(offset: 1030, [2])
    both.turn()
    both.second.sendDataIn(try both.second.command().view.header.initiatorTaskTag, .pattern(512))
    try both.second.serve(.write16)
    #expect(both.second.reply() == .init(unique: other, error: 0, payload: .accepted(1)))
    // Its own are not, before the login that ends what is left of it at the target.
    let same = both.second.write(offset: 0, .pattern(1024, from: 5))
    let within = both.second.write(offset: 20, [3])
    both.turn()
    #expect(try both.second.sent() == nil)
    try both.first.reconnect(isHeld: true)
    both.turn()
    #expect(both.first.busySlots == 0)
    try both.second.serve(.write16)
    #expect(both.second.reply() == .init(unique: same, error: 0, payload: .accepted(1024)))
    both.second.sendDataIn(try both.second.command().view.header.initiatorTaskTag, .pattern(512))
    try both.second.serve(.write16)
    #expect(both.second.reply() == .init(unique: within, error: 0, payload: .accepted(1)))
  }

  @Test("E02, E03: a write that was given up is not overtaken on the other reactor either")
  func givenUpWhole() throws {
    let both = try TwoReactors()
    let old = both.first.write(offset: 0, .pattern(512))
    let task = try both.first.command().view.header.initiatorTaskTag
    both.first.giveUp(old)
    let new = both.second.write(offset: 0, .pattern(512, from: 7))
    let beside = both.second.write(offset: 600, [1])
    both.turn()
    // A part of another block waits for no write of the LUN.
    both.second.sendDataIn(try both.second.command().view.header.initiatorTaskTag, .pattern(512))
    try both.second.serve(.write16)
    #expect(both.second.reply() == .init(unique: beside, error: 0, payload: .accepted(1)))
    #expect(try both.second.sent() == nil)
    // Nobody looks every millisecond whether it may go on.
    #expect(both.second.waitingCount == 1 && both.second.sleep > 100)
    both.first.sendResponse(task)
    both.turn()
    try both.second.serve(.write16)
    #expect(both.second.reply() == .init(unique: new, error: 0, payload: .accepted(512)))
    #expect(both.first.busySlots == 0 && both.second.busySlots == 0)
  }

  @Test("P2, E02: who waits for the blocks of such a write orders no other write of the LUN")
  func waitingForKept() throws {
    let both = try TwoReactors()
    let old = both.first.write(offset: 0, .pattern(512))
    _ = try both.first.command()
    both.first.giveUp(old)
    let part = both.first.write(offset: 10, [1])
    let whole = both.first.write(offset: 0, .pattern(512, from: 3))
    both.turn()
    try both.first.closeTarget()
    // Other blocks, whole or in part, are written over the session that is there.
    let beside = both.second.write(offset: 1034, [2])
    both.turn()
    both.second.sendDataIn(try both.second.command().view.header.initiatorTaskTag, .pattern(512))
    try both.second.serve(.write16)
    #expect(both.second.reply() == .init(unique: beside, error: 0, payload: .accepted(1)))
    let other = both.second.write(offset: 2048, .pattern(512))
    both.turn()
    try both.second.serve(.write16)
    #expect(both.second.reply() == .init(unique: other, error: 0, payload: .accepted(512)))
    // They have gone to where there is a session, and wait there.
    #expect(both.first.waitingCount == 0)
    #expect(both.second.waitingCount == 2 && both.second.sleep > 100)
    try both.first.reconnect()
    both.turn()
    both.second.sendDataIn(try both.second.command().view.header.initiatorTaskTag, .pattern(512))
    try both.second.serve(.write16)
    #expect(both.second.reply() == .init(unique: part, error: 0, payload: .accepted(1)))
    try both.second.serve(.write16)
    #expect(both.second.reply() == .init(unique: whole, error: 0, payload: .accepted(512)))
    #expect(both.first.busySlots == 0 && both.second.busySlots == 0)
  }

  @Test("P2, E02: a fallocate that was given up keeps its blocks, not the LUN")
  func givenUpClearing() throws {
    let both = try TwoReactors()
    var thin = try registration([4, 5])
    ReactorHarness.thin(&thin)
    both.first.port.expose(ReactorHarness.unit, thin)
    both.turn()
    let old = both.first.punch(0, 4 * 512)
    _ = try both.first.command()
    both.first.giveUp(old)
    try both.first.closeTarget()
    let beside = both.second.write(offset: 2048, .pattern(512))
    both.turn()
    try both.second.serve(.write16)
    #expect(both.second.reply() == .init(unique: beside, error: 0, payload: .accepted(512)))
    let within = both.second.write(offset: 512, .pattern(512))
    both.turn()
    #expect(try both.second.sent() == nil)
    try both.first.reconnect(isHeld: true)
    both.turn()
    try both.second.serve(.write16)
    #expect(both.second.reply() == .init(unique: within, error: 0, payload: .accepted(512)))
    #expect(both.first.busySlots == 0)
  }

  @Test("P4: who waited for such blocks where no session is left goes to the other reactor")
  func heldWithoutSession() throws {
    let both = try TwoReactors()
    let old = both.second.write(offset: 0, .pattern(512))
    _ = try both.second.command()
    both.first.interrupt(old)
    both.turn()
    both.second.advance(milliseconds: 1_000)
    #expect(both.second.reply() == .init(unique: old, error: -EINTR, payload: []))
    try both.second.closeTarget()
    let new = both.first.write(offset: 0, .pattern(512, from: 7))
    both.turn()
    #expect(both.first.waitingCount == 1)
    try both.first.closeTarget()
    try both.second.reconnect()
    both.turn()
    try both.second.serve(.write16)
    #expect(both.second.reply() == .init(unique: new, error: 0, payload: .accepted(512)))
    #expect(both.first.waitingCount == 0)
  }

  @Test("P3: who waits for such blocks waits no longer than any other")
  func overdueForKept() async throws {
    let both = try TwoReactors()
    let old = both.first.write(offset: 0, .pattern(512))
    _ = try both.first.command()
    both.first.giveUp(old)
    let new = both.second.write(offset: 0, .pattern(512, from: 7))
    both.second.advance(milliseconds: 119_000)
    #expect(both.second.reply() == nil)
    both.second.advance(milliseconds: 1_250)
    #expect(both.second.reply() == .init(unique: new, error: -EIO, payload: []))
    #expect(both.second.waitingCount == 0)
    both.second.stop()
    let told = await both.first.events()
    #expect(told.contains(.commandFailed(ReactorHarness.unit, CommandFailure(.heldUp, of: nil))))
  }

  @Test("A rewrite that waits for the other's hanging write is answered in time")
  func overdueRewrite() throws {
    let both = try TwoReactors()
    _ = both.second.write(offset: 0, .pattern(512))
    _ = try both.second.command()
    let part = both.first.write(offset: 10, [1])
    #expect(try both.first.sent() == nil)
    both.first.advance(milliseconds: 119_000)
    #expect(both.first.reply() == nil)
    both.first.advance(milliseconds: 1_250)
    #expect(both.first.reply() == .init(unique: part, error: -EIO, payload: []))
    #expect(both.first.busySlots == 0)
  }

  @Test("A reset through one's session has the unit's tasks of the other asked after at once")
  func suspicion() async throws {
    let both = try TwoReactors()
    _ = both.second.read(offset: 0, size: 512)
    let task = try both.second.command().view.header.initiatorTaskTag
    let reset = TaskManagement(
      session: both.first.home, function: .logicalUnitReset, lun: LogicalUnitNumber(number: 1))
    let outcome = try await both.first.told(
      { .manage(reset, $0) },
      meanwhile: {
        both.first.sendManaged(try both.first.management(.logicalUnitReset), .functionComplete)
      })
    #expect(outcome == .complete)
    both.second.advance(milliseconds: 1)
    let abort = try both.second.management(.abortTask)
    #expect(abort.referencedTaskTag == task)
  }

  @Test("An interrupt finds its request on the other reactor, also when it comes first")
  func interrupts() throws {
    let both = try TwoReactors()
    let unique = both.second.read(offset: 0, size: 512)
    both.first.interrupt(unique)
    both.turn()
    both.second.advance(milliseconds: 1_000)
    #expect(both.second.reply() == .init(unique: unique, error: -EINTR, payload: []))
    // The next unique is known before the request is there.
    both.first.interrupt(unique + 2)
    both.turn()
    #expect(both.second.read(offset: 0, size: 512) == unique + 2)
    both.second.advance(milliseconds: 1_000)
    #expect(both.second.reply() == .init(unique: unique + 2, error: -EINTR, payload: []))
  }

  /// A request for a file it does not know makes a reactor look for commands.
  @Test("An entry handed over is taken though another request came before its wake-up was seen")
  func wakeup() throws {
    let both = try TwoReactors(sessions: [5])
    let unique = both.first.read(offset: 0, size: 512)
    let stale = LogicalUnitHandle(index: 9, generation: 1)
    let other = both.second.request(.fsync, node: stale.nodeID, body: .pattern(16))
    #expect(both.second.reply() == .init(unique: other, error: -ESTALE, payload: []))
    both.second.sendDataIn(try both.second.command().view.header.initiatorTaskTag, .pattern(512))
    #expect(both.second.reply() == .init(unique: unique, error: 0, payload: .pattern(512)))
  }

  @Test("hand over what comes while their own session is lost and the other's is there")
  func lostSession() throws {
    let both = try TwoReactors()
    try both.second.closeTarget()
    #expect(both.second.sessionState == .lost)
    let unique = both.second.read(offset: 0, size: 512)
    both.turn()
    both.first.sendDataIn(try both.first.command().view.header.initiatorTaskTag, .pattern(512))
    #expect(both.first.reply() == .init(unique: unique, error: 0, payload: .pattern(512)))
    // With both lost it waits for its own.
    try both.first.closeTarget()
    let waiting = both.second.read(offset: 0, size: 512)
    both.turn()
    try both.second.reconnect()
    both.second.sendDataIn(try both.second.command().view.header.initiatorTaskTag, .pattern(512))
    #expect(both.second.reply() == .init(unique: waiting, error: 0, payload: .pattern(512)))
  }

  /// The reactor that rewrites has lost its place among those that serve the LUN.
  @Test("A write waits where it came for a rewriter that cannot serve it, and goes nowhere")
  func rewriterWithoutSession() throws {
    let both = try TwoReactors()
    _ = both.first.write(offset: 10, [1])
    let read = try both.first.command().view
    both.first.port.expose(ReactorHarness.unit, try registration([5]))
    both.turn()
    let whole = both.second.write(offset: 512, .pattern(512))
    both.turn()
    #expect(both.second.waitingCount == 1)
    #expect(try both.second.sent() == nil)
    // A read that comes to the other one is handed over meanwhile.
    let moved = both.first.read(offset: 0, size: 512)
    both.turn()
    both.second.sendDataIn(try both.second.command().view.header.initiatorTaskTag, .pattern(512))
    #expect(both.second.reply() == .init(unique: moved, error: 0, payload: .pattern(512)))
    both.first.sendDataIn(read.header.initiatorTaskTag, .pattern(512))
    both.turn()
    both.second.sendResponse(try both.second.command().view.header.initiatorTaskTag)
    #expect(both.second.reply() == .init(unique: whole, error: 0, payload: .accepted(512)))
  }

  private func registration(_ sessions: [UInt16]) throws -> LogicalUnitRegistration {
    LogicalUnitRegistration(
      sessions: sessions.map { SessionHandle(index: $0, generation: 2) },
      lun: LogicalUnitNumber(number: 1),
      geometry: try Geometry(
        logicalBlockLength: 512, lastLogicalBlockAddress: LogicalBlockAddress(8191)),
      isWriteProtected: false, supportsForceUnitAccess: false, hasVolatileCache: true,
      supportsSixteenByteCommands: true)
  }
}
