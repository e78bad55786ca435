import Glibc
import ISCSI
import SCSI
import SystemPackage
import Testing
import Wire

@testable import Reactor

@Suite("The door between the planes", .bothChannels, .timeLimit(.minutes(5)))
struct DoorTests {
  @Test("answers a logout when the target has, and those who still wait with ENOTCONN")
  func logout() async throws {
    let harness = try ReactorHarness()
    let unique = harness.read(offset: 0, size: 512)
    _ = try harness.command()
    let end = try await harness.told(
      { .logout(ReactorHarness.session, $0) },
      meanwhile: {
        let logout = try #require(try harness.sent()).header
        #expect(logout.opcode == .logoutRequest)
        let late = harness.read(offset: 0, size: 512)
        #expect(harness.reply() == .init(unique: late, error: -ENOTCONN, payload: []))
        harness.send(
          LogoutResponse(
            response: .closed, initiatorTaskTag: logout.initiatorTaskTag,
            statSN: harness.nextStatSN(), expCmdSN: harness.window.exp,
            maxCmdSN: harness.window.max
          ).header)
      })
    #expect(end == .proven)
    #expect(harness.reply() == .init(unique: unique, error: -ENOTCONN, payload: []))
    #expect(await harness.events() == [])
  }

  @Test("answers a logout whose target is silent at logout_timeout, gone at once")
  func silentLogout() async throws {
    let harness = try ReactorHarness()
    let end = try await harness.told(
      { .logout(ReactorHarness.session, $0) },
      meanwhile: {
        harness.advance(milliseconds: 15_000)
      })
    let other = try ReactorHarness()
    let otherEnd = try await other.told(
      { .logout(ReactorHarness.session, $0) }, meanwhile: { try other.closeTarget() })
    #expect(end == .unproven && otherEnd == .unproven)
    #expect(await other.events() == [])
  }

  @Test("answers a logout also when the send queue is full to the brim")
  func logoutUnderLoad() async throws {
    let harness = try ReactorHarness(parameters: .manySegments)
    harness.fillTransmitQueue()
    try await harness.told(
      { .logout(ReactorHarness.session, $0) },
      meanwhile: {
        harness.advance(milliseconds: 15_000)
        if harness.reactor.sessions[5].logout != nil {
          Issue.record("the logout was not answered")
          harness.stop()
        }
      })
  }

  @Test("answers a withdrawal when the target has answered what it had; callers before")
  func withdraw() async throws {
    let harness = try ReactorHarness()
    let unique = harness.write(offset: 100, [1])
    let waiting = harness.write(offset: 0, .pattern(512))
    let read = try harness.command().view.header.initiatorTaskTag
    try await harness.told(
      { .withdraw(ReactorHarness.unit, .staleNFSFileHandle, Withdrawal(telling: $0)) },
      meanwhile: {
        let replies = [harness.reply(), harness.reply()]
        #expect(Set(replies.compactMap { $0?.unique }) == [unique, waiting])
        #expect(replies.allSatisfy { $0?.error == -ESTALE })
        #expect(harness.busyUnit == 1)
        harness.sendDataIn(read, .pattern(512))
        // P7: a LUN whose identity changed is never written.
        let written = try harness.sent()
        #expect(written == nil)
        if harness.busyUnit > 0 { harness.stop() }
      })
    let late = harness.read(offset: 0, size: 512)
    #expect(harness.reply() == .init(unique: late, error: -ESTALE, payload: []))
    try harness.expose(lastBlock: 8191)
    _ = harness.read(offset: 0, size: 512)
    _ = try harness.command()
  }

  @Test("answers every withdrawal of a busy unit, each when it is quiet")
  func withdrawTwice() async throws {
    let harness = try ReactorHarness()
    _ = harness.read(offset: 0, size: 512)
    let task = try harness.command().view.header.initiatorTaskTag
    let unit = ReactorHarness.unit
    let port = harness.port
    let first = port.withdraw(unit, error: .noSuchAddressOrDevice)
    harness.turn()
    #expect(harness.reactor.units[3].state == .withdrawn)
    try await harness.told(
      { .withdraw(unit, .noSuchAddressOrDevice, Withdrawal(telling: $0)) },
      meanwhile: {
        #expect(harness.busyUnit == 1 && harness.waitingWithdrawals == 2)
        harness.sendDataIn(task, .pattern(512))
        #expect(harness.busyUnit == 0 && harness.waitingWithdrawals == 0)
      })
    await first.whenQuiet()
  }

  @Test("answers everyone who waits when the loop ends, and who comes after")
  func end() async throws {
    let harness = try ReactorHarness()
    let inFlight = harness.read(offset: 0, size: 512)
    let locked = harness.write(offset: 100, [1])
    let waiting = harness.write(offset: 0, .pattern(512))
    try harness.closeTarget()
    let queued = harness.read(offset: 512, size: 512)
    harness.stop()
    var replies: [UInt64: Int32] = [:]
    while let reply = harness.reply() { replies[reply.unique] = reply.error }
    #expect(
      replies == [
        inFlight: -ENOTCONN, locked: -ENOTCONN, waiting: -ENOTCONN, queued: -ENOTCONN,
      ])
    #expect(harness.busySlots == 0)
    #expect(await harness.port.logout(ReactorHarness.session) == .unproven)
    await harness.port.withdraw(ReactorHarness.unit, error: .ioError).whenQuiet()
    await harness.port.close(ReactorHarness.session, error: .ioError)
    #expect(await harness.port.statistics(ReactorHarness.session) == nil)
    await #expect(throws: ControlTask.Failure.notConnected) {
      try await harness.port.execute(
        ControlTask(
          session: ReactorHarness.session, lun: LogicalUnitNumber(number: 1),
          cdb: .testUnitReady, dataInCapacity: 0))
    }
  }

  @Test("survives an end while PDUs of an ended request are still queued")
  func endWithQueuedPDUs() throws {
    let harness = try ReactorHarness(parameters: .manySegments)
    harness.fillTransmitQueue()
    harness.sendResponse(harness.reactor.slots[0].tag(index: 0), .reservationConflict)
    #expect(harness.reply()?.error == -EBADE)
    harness.stop()
    var count = 0
    while harness.reply() != nil { count += 1 }
    #expect(count == 9)
  }

  @Test("an unmount is told once; the loop goes on for the logouts, until it is stopped")
  func unmount() async throws {
    let harness = try ReactorHarness()
    harness.unmount()
    harness.turn()
    #expect(harness.isRunning)
    harness.port.stop()
    harness.turn()
    #expect(!harness.isRunning)
    harness.reactor.end()
    #expect(await harness.events() == [.unmounted])
  }
}

extension ReactorHarness {
  var waitingWithdrawals: Int { reactor.units[Int(Self.unit.index)].withdrawals.count }

  @Test("tells of a session that was lost, whatever else is told meanwhile")
  func essentialEvents() async throws {
    let port = try ReactorPort()
    let session = SessionHandle(index: 1, generation: 1)
    port.tell(.sessionLost(session, .connectionClosed))
    for _ in 0..<10_000 {
      port.tell(.asyncMessage(session, .scsiAsyncEvent, LogicalUnitNumber(rawValue: 0), nil))
    }
    port.eventContinuation.finish()
    var events: [ReactorEvent] = []
    for await event in port.events { events.append(event) }
    #expect(events.count <= 4096)
    #expect(events.count { $0 == .sessionLost(session, .connectionClosed) } == 1)
  }
}
