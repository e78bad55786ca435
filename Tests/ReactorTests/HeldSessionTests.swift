import Glibc
import ISCSI
import LinuxIO
import SCSI
import SystemPackage
import Testing
import Wire

@testable import Reactor

/// P7: until the control plane knows whose LUNs are behind a new connection, none is touched.
@Suite("A held session", .bothChannels, .timeLimit(.minutes(5)))
struct HeldSessionTests {
  private let inquiry = ControlTask(
    session: ReactorHarness.session, lun: LogicalUnitNumber(number: 1), cdb: .inquiry(),
    dataInCapacity: 36)

  /// A harness whose session was lost with two writes at the target, and is held now.
  private func held(
    timeouts: SessionTimeouts = SessionTimeouts()
  ) throws -> (harness: ReactorHarness, writes: [UInt64]) {
    let harness = try ReactorHarness(timeouts: timeouts)
    let writes = [
      harness.write(offset: 0, .pattern(512)), harness.write(offset: 512, .pattern(512, from: 9)),
    ]
    for _ in writes { _ = try harness.command() }
    try harness.reconnect(isHeld: true)
    return (harness, writes)
  }

  private func resume(_ harness: ReactorHarness) {
    harness.port.resume(ReactorHarness.session)
    harness.turn()
  }

  @Test("P3: lost again before it is back has been away since it was lost first")
  func awaySinceFirst() async throws {
    let harness = try ReactorHarness(timeouts: SessionTimeouts(pingIntervalMilliseconds: 0))
    try harness.closeTarget()
    harness.advance(milliseconds: 50_000)
    let unique = harness.read(offset: 0, size: 512)
    harness.advance(milliseconds: 10_000)
    try harness.reconnect(isHeld: true)
    try harness.closeTarget()
    #expect(harness.sessionState == .lost)
    harness.advance(milliseconds: 59_750)
    #expect(harness.reply() == nil)
    harness.advance(milliseconds: 500)
    #expect(harness.reply() == .init(unique: unique, error: -ENOLINK, payload: []))
    // Once it has been back its time begins anew.
    try harness.reconnect(isHeld: true)
    resume(harness)
    try harness.closeTarget()
    let later = harness.read(offset: 0, size: 512)
    harness.advance(milliseconds: 119_750)
    #expect(harness.reply() == nil)
    harness.advance(milliseconds: 500)
    #expect(harness.reply() == .init(unique: later, error: -ENOLINK, payload: []))
    let silences = await harness.events().compactMap { event -> UInt64? in
      guard case .sessionLost(_, _, let silence) = event else { return nil }
      return silence
    }
    #expect(silences == [0, 60_000, 0])
  }

  @Test("sends control tasks only, then what was parked and what came since, in order")
  func resumed() async throws {
    let (harness, writes) = try held()
    let third = harness.write(offset: 1024, .pattern(512, from: 5))
    #expect(try harness.sent() == nil)
    let task = inquiry
    let answer = try await harness.told(
      { .execute(task, $0) },
      meanwhile: {
        let command = try harness.command().view
        #expect(command.header.word4 >> 56 == 0x12)
        #expect(command.header.cmdSN.rawValue == 50)
        harness.sendDataIn(command.header.initiatorTaskTag, .pattern(36))
        harness.stopIfUnanswered()
      })
    #expect(try answer.get().data == .pattern(36))
    #expect(try harness.sent() == nil)
    resume(harness)
    for (block, unique) in (writes + [third]).enumerated() {
      let command = try harness.command().view
      #expect(command.header.word5 >> 48 == UInt64(block))
      #expect(command.header.cmdSN.rawValue == 51 + UInt32(block))
      harness.sendResponse(command.header.initiatorTaskTag)
      #expect(harness.reply() == .init(unique: unique, error: 0, payload: .accepted(512)))
    }
  }

  @Test("lost before it was resumed keeps its tasks; a late resume does not free the next")
  func lostWhileHeld() throws {
    let (harness, writes) = try held()
    try harness.closeTarget()
    resume(harness)
    try harness.reconnect(isHeld: true)
    #expect(try harness.sent() == nil)
    resume(harness)
    for unique in writes {
      harness.sendResponse(try harness.command().view.header.initiatorTaskTag)
      #expect(harness.reply() == .init(unique: unique, error: 0, payload: .accepted(512)))
    }
  }

  @Test("E22: that is told to go (Async Messages 2 and 3) goes, for as long", arguments: [2, 3])
  func toldToGo(event: UInt8) async throws {
    let (harness, writes) = try held()
    harness.send(
      AsyncMessage(
        event: try #require(AsyncMessage.Event(rawValue: event)), parameters: (0, 7, 20),
        statSN: harness.nextStatSN(), expCmdSN: harness.window.exp, maxCmdSN: harness.window.max
      ).header)
    #expect(harness.sessionState == .lost)
    try harness.reconnect()
    for unique in writes {
      harness.sendResponse(try harness.command().view.header.initiatorTaskTag)
      #expect(harness.reply() == .init(unique: unique, error: 0, payload: .accepted(512)))
    }
    #expect(await harness.losses().last == .requestedByTarget(time2WaitSeconds: 7))
  }

  /// While it is held, as it is resumed, with commands sent again, with one of them answered.
  @Test("E23: lost a hundred times on its way back answers each request once, and whole")
  func lostAgain() async throws {
    var (harness, writes) = try held()
    for time in 0..<100 {
      if time % 4 > 0 { resume(harness) }
      if time % 4 > 1 { for _ in writes { _ = try harness.command() } }
      if time % 4 > 2 {
        let unique = harness.write(offset: 1024 * UInt64(time), .pattern(512, from: time))
        writes.append(unique)
        harness.sendResponse(try harness.command().view.header.initiatorTaskTag)
        #expect(harness.reply() == .init(unique: unique, error: 0, payload: .accepted(512)))
        writes.removeLast()
      }
      try harness.closeTarget()
      #expect(harness.reply() == nil)
      try harness.reconnect(isHeld: true)
    }
    resume(harness)
    for (block, unique) in writes.enumerated() {
      let command = try harness.command().view
      #expect(command.header.word5 >> 48 == UInt64(block))
      harness.sendResponse(command.header.initiatorTaskTag)
      #expect(harness.reply() == .init(unique: unique, error: 0, payload: .accepted(512)))
    }
    #expect(harness.busySlots == 0)
  }

  @Test("fails requests for a unit withdrawn meanwhile, which is never written")
  func withdrawn() async throws {
    let (harness, writes) = try held()
    try await harness.told(
      { .withdraw(ReactorHarness.unit, .staleNFSFileHandle, Withdrawal(telling: $0)) },
      meanwhile: {})
    resume(harness)
    for unique in writes {
      #expect(harness.reply() == .init(unique: unique, error: -ESTALE, payload: []))
    }
    #expect(try harness.sent() == nil)
  }

  @Test("is logged out with a Logout, and its tasks fail")
  func loggedOut() async throws {
    let (harness, writes) = try held()
    try await harness.told(
      { .logout(ReactorHarness.session, $0) },
      meanwhile: {
        let logout = try #require(try harness.sent())
        #expect(logout.header.opcode == .logoutRequest)
        harness.send(
          LogoutResponse(
            response: .closed, initiatorTaskTag: logout.header.initiatorTaskTag,
            statSN: harness.nextStatSN(), expCmdSN: harness.window.exp,
            maxCmdSN: harness.window.max
          ).header)
      })
    for unique in writes {
      #expect(harness.reply() == .init(unique: unique, error: -ENOTCONN, payload: []))
    }
  }

  @Test("closed fails its tasks, also the control plane's that wait")
  func closed() async throws {
    let (harness, writes) = try held()
    let task = inquiry
    let answer = try await harness.told(
      { .execute(task, $0) },
      meanwhile: {
        _ = try harness.command()
        harness.port.drop(ReactorHarness.session)
        harness.turn()
        harness.stopIfUnanswered()
      })
    #expect(answer == .failure(.sessionLost))
    try await harness.told(
      { .close(ReactorHarness.session, .socketNotConnected, $0) }, meanwhile: {})
    for unique in writes {
      #expect(harness.reply() == .init(unique: unique, error: -ENOTCONN, payload: []))
    }
  }

  @Test("P3: lost and held again and again fails its tasks with ENOLINK at their deadline")
  func heldForEver() throws {
    let (harness, writes) = try held(timeouts: SessionTimeouts(pingIntervalMilliseconds: 0))
    for _ in 0..<12 {
      harness.advance(milliseconds: 9_000)
      try harness.closeTarget()
      harness.advance(milliseconds: 1_000)
      try harness.reconnect(isHeld: true)
    }
    harness.advance(milliseconds: 250)
    for unique in writes {
      #expect(harness.reply() == .init(unique: unique, error: -ENOLINK, payload: []))
    }
  }

  @Test("is passed over where another session of the unit serves")
  func another() throws {
    let other = SessionHandle(index: 6, generation: 1)
    let harness = try ReactorHarness { $0.sessions = [ReactorHarness.session, other] }
    try harness.closeTarget()
    try harness.reconnect(isHeld: true)
    let silent = try harness.startSilent(other)
    defer { close(silent) }
    _ = harness.read(offset: 0, size: 512)
    #expect(harness.inFlightCount(5) == 0)
    #expect(harness.inFlightCount(6) == 1)
  }
}
