import Glibc
import ISCSI
import SCSI
import Testing
import Wire

@testable import Reactor

@Suite("The ladder of an unanswered command", .bothChannels, .timeLimit(.minutes(5)))
struct EscalationTests {
  private static let lun = LogicalUnitNumber(number: 1)
  private static let second = SessionHandle(index: 6, generation: 1)

  private func harness(
    timeouts: SessionTimeouts = SessionTimeouts(pingIntervalMilliseconds: 0),
    sessions: [SessionHandle] = [ReactorHarness.session]
  ) throws -> ReactorHarness {
    try ReactorHarness(timeouts: timeouts) { $0.sessions = sessions }
  }

  /// Reads and lets the time of a command pass; the command's header and the ABORT TASK.
  private func overdue(
    _ harness: ReactorHarness
  ) throws -> (unique: UInt64, command: BasicHeaderSegment, abort: TaskManagementRequest) {
    let unique = harness.read(offset: 0, size: 512)
    let command = try harness.command().view.header
    harness.advance(milliseconds: 30_000)
    return (unique, command, try harness.management(.abortTask))
  }

  private func answerAgain(_ harness: ReactorHarness, _ unique: UInt64) throws {
    harness.sendDataIn(try harness.command().view.header.initiatorTaskTag, .pattern(512))
    #expect(harness.reply() == .init(unique: unique, error: 0, payload: .pattern(512)))
  }

  @Test("a unit's own time of a command counts at once, for those at the target too")
  func ownTime() throws {
    for (seconds, remaining) in [(60, 56_000), (1, 0)] as [(UInt64, UInt64)] {
      let harness = try harness()
      _ = harness.read(offset: 0, size: 512)
      let command = try harness.command().view.header
      harness.advance(milliseconds: 4_000)
      harness.registration.commandSeconds = seconds
      harness.port.expose(ReactorHarness.unit, harness.registration)
      harness.turn()
      if remaining > 0 {
        harness.advance(milliseconds: remaining - 1)
        #expect(try harness.sent() == nil)
      }
      harness.advance(milliseconds: 250)
      let abort = try harness.management(.abortTask)
      #expect(abort.referencedTaskTag == command.initiatorTaskTag)
    }
  }

  @Test("a unit's own time is given to its commands where it is above replacement_timeout")
  func ownLongTime() throws {
    let harness = try harness()
    harness.registration.commandSeconds = 600
    harness.port.expose(ReactorHarness.unit, harness.registration)
    let unique = harness.read(offset: 0, size: 512)
    let task = try harness.command().view.header.initiatorTaskTag
    harness.advance(milliseconds: 599_000)
    #expect(try harness.sent() == nil && harness.reply() == nil)
    harness.sendDataIn(task, .pattern(512))
    #expect(harness.reply() == .init(unique: unique, error: 0, payload: .pattern(512)))
  }

  @Test("E17, P3: ABORT TASK for 15 s, LOGICAL UNIT RESET for 30 s, then the session, 45 s in all")
  func silent() async throws {
    let harness = try harness()
    let unique = harness.read(offset: 0, size: 512)
    let command = try harness.command().view.header
    harness.advance(milliseconds: 29_999)
    #expect(try harness.sent() == nil)
    harness.advance(milliseconds: 250)
    let abort = try harness.management(.abortTask)
    #expect(abort.logicalUnit == Self.lun && abort.refCmdSN == command.cmdSN)
    #expect(abort.referencedTaskTag == command.initiatorTaskTag)
    harness.advance(milliseconds: 14_999)
    #expect(try harness.sent() == nil)
    harness.advance(milliseconds: 1)
    let reset = try harness.management(.logicalUnitReset)
    #expect(reset.logicalUnit == Self.lun && reset.referencedTaskTag == .reserved)
    #expect(reset.refCmdSN.rawValue == 0)
    harness.advance(milliseconds: 29_999)
    #expect(harness.sessionState == .up)
    harness.advance(milliseconds: 1)
    #expect(harness.sessionState == .lost && harness.reply() == nil)
    try harness.reconnect()
    try answerAgain(harness, unique)
    let session = ReactorHarness.session
    #expect(
      await harness.events() == [
        .escalated(session, .abortTask, Self.lun),
        .escalated(session, .logicalUnitReset, Self.lun),
        .sessionLost(session, .commandTimedOut, silentMilliseconds: 60_000),
      ])
  }

  @Test("an aborted task, and one the target says it does not have, is sent again")
  func aborted() async throws {
    for response in [TaskManagementResponse.Response.functionComplete, .taskDoesNotExist] {
      let harness = try harness()
      let (unique, command, abort) = try overdue(harness)
      harness.sendManaged(abort, response)
      let again = try harness.command().view.header
      #expect(again.initiatorTaskTag != command.initiatorTaskTag)
      #expect(again.cmdSN.rawValue == 51 && again.word4 == command.word4)
      harness.sendDataIn(again.initiatorTaskTag, .pattern(512))
      #expect(harness.reply() == .init(unique: unique, error: 0, payload: .pattern(512)))
      #expect(harness.busySlots == 0)
      #expect(await harness.events().count == 1)
    }
  }

  @Test("what a target refuses is followed by the next rung at once; TARGET WARM RESET is the last")
  func refused() async throws {
    for refusal in [TaskManagementResponse.Response.functionNotSupported, .functionRejected] {
      let harness = try harness()
      let (unique, _, abort) = try overdue(harness)
      harness.sendManaged(abort, refusal)
      let reset = try harness.management(.logicalUnitReset)
      harness.sendManaged(reset, refusal)
      let warm = try harness.management(.targetWarmReset)
      #expect(warm.logicalUnit.rawValue == 0)
      #expect(harness.sessionState == .up)
      harness.sendManaged(warm, refusal)
      #expect(harness.sessionState == .lost)
      try harness.reconnect()
      try answerAgain(harness, unique)
    }
  }

  @Test("a rung rejected as a PDU counts as refused")
  func rejected() throws {
    let harness = try harness()
    let (unique, _, abort) = try overdue(harness)
    let bytes = ProtocolDataUnit(header: abort.header).encoded()
    harness.send(
      Reject(
        reason: .commandNotSupported, statSN: harness.nextStatSN(),
        expCmdSN: harness.window.exp, maxCmdSN: harness.window.max
      ).header, data: bytes)
    harness.sendManaged(try harness.management(.logicalUnitReset), .functionComplete)
    try answerAgain(harness, unique)
  }

  @Test("E19: after LOGICAL UNIT RESET each task of the unit is sent again, in the old order")
  func reset() throws {
    let harness = try harness()
    var uniques: [UInt64] = []
    var before: [BasicHeaderSegment] = []
    // Slots are last in, first out: the order of the slots is not that of the commands.
    for offset in [0, 512, 1024] as [UInt64] {
      uniques.append(harness.write(offset: offset, .pattern(512, from: Int(offset))))
      before.append(try harness.command().view.header)
    }
    harness.sendResponse(before[0].initiatorTaskTag)
    #expect(harness.reply()?.unique == uniques[0])
    uniques[0] = harness.write(offset: 0, .pattern(512, from: 7))
    before.append(try harness.command().view.header)
    harness.advance(milliseconds: 30_000)
    _ = try harness.management(.abortTask)
    harness.advance(milliseconds: 15_000)
    harness.sendManaged(try harness.management(.logicalUnitReset), .functionComplete)
    for (position, unique) in [(1, uniques[1]), (2, uniques[2]), (3, uniques[0])] {
      let again = try harness.command().view.header
      #expect(again.word4 == before[position].word4)
      harness.sendResponse(again.initiatorTaskTag)
      #expect(harness.reply() == .init(unique: unique, error: 0, payload: .accepted(512)))
    }
    #expect(try harness.sent() == nil)
    #expect(harness.busySlots == 0)
  }

  @Test("a late answer to ABORT TASK counts, and LOGICAL UNIT RESET does not end the new task")
  func lateAbort() throws {
    let harness = try harness()
    let (unique, _, abort) = try overdue(harness)
    harness.advance(milliseconds: 15_000)
    let reset = try harness.management(.logicalUnitReset)
    harness.sendManaged(abort, .functionComplete)
    let again = try harness.command().view.header
    harness.sendManaged(reset, .functionComplete)
    #expect(try harness.sent() == nil)
    harness.sendDataIn(again.initiatorTaskTag, .pattern(512))
    #expect(harness.reply() == .init(unique: unique, error: 0, payload: .pattern(512)))
  }

  @Test("the command's own late answer counts; what was asked of it means nothing then")
  func lateAnswer() throws {
    let harness = try harness()
    let (unique, command, abort) = try overdue(harness)
    harness.sendDataIn(command.initiatorTaskTag, .pattern(512))
    #expect(harness.reply() == .init(unique: unique, error: 0, payload: .pattern(512)))
    let next = harness.read(offset: 512, size: 512)
    let other = try harness.command().view.header
    harness.sendManaged(abort, .taskDoesNotExist)
    #expect(try harness.sent() == nil)
    harness.sendDataIn(other.initiatorTaskTag, .pattern(512))
    #expect(harness.reply()?.unique == next)
    // The ladder is down again: the next one begins at its foot.
    _ = try overdue(harness)
  }

  @Test("nobody's tasks are reset for a command that has been answered meanwhile")
  func answeredOnRung() throws {
    for refusal in [TaskManagementResponse.Response.functionNotSupported, nil] {
      let harness = try harness()
      let (unique, command, abort) = try overdue(harness)
      harness.sendDataIn(command.initiatorTaskTag, .pattern(512))
      #expect(harness.reply()?.unique == unique)
      if let refusal {
        harness.sendManaged(abort, refusal)
      } else {
        harness.advance(milliseconds: 15_000)
      }
      #expect(try harness.sent() == nil && harness.sessionState == .up)
    }
  }

  @Test("nothing follows a Logout Request, and what it ends goes to the other session all the same")
  func loggedOutOnRung() async throws {
    let harness = try harness(sessions: [ReactorHarness.session, Self.second])
    let other = try harness.startSilent(Self.second)
    defer { close(other) }
    let (_, _, abort) = try overdue(harness)
    try await harness.told(
      { .logout(ReactorHarness.session, $0) },
      meanwhile: {
        let logout = try #require(try harness.sent())
        harness.sendManaged(abort, .functionNotSupported)
        #expect(try harness.sent() == nil)
        harness.sendLogoutResponse(to: logout)
      })
    #expect(harness.reply() == nil && harness.inFlightCount(6) == 1)
  }

  @Test("a session climbs for one command at a time")
  func oneAtATime() throws {
    let harness = try harness()
    let uniques = (0..<3).map { harness.read(offset: UInt64($0) * 512, size: 512) }
    for _ in 0..<3 { _ = try harness.command() }
    harness.advance(milliseconds: 30_000)
    for _ in uniques {
      let abort = try harness.management(.abortTask)
      #expect(try harness.sent() == nil)
      harness.sendManaged(abort, .functionComplete)
      let again = try harness.command().view.header
      harness.sendDataIn(again.initiatorTaskTag, .pattern(512))
      #expect(harness.reply()?.error == 0)
      harness.advance(milliseconds: 250)
    }
    #expect(harness.busySlots == 0)
  }

  @Test("P3: who waited for replacement_timeout is answered, whatever rung it is on")
  func answeredMeanwhile() throws {
    let timeouts = SessionTimeouts(replacementMilliseconds: 40_000, pingIntervalMilliseconds: 0)
    let harness = try harness(timeouts: timeouts)
    let (unique, _, abort) = try overdue(harness)
    harness.advance(milliseconds: 10_000)
    #expect(harness.reply() == .init(unique: unique, error: -EIO, payload: []))
    #expect(harness.busySlots == 1)
    harness.sendManaged(abort, .functionComplete)
    #expect(harness.busySlots == 0)
    #expect(try harness.sent() == nil && harness.reply() == nil)
  }

  @Test("an ABORT TASK that is never answered costs nothing once the unit's reset was")
  func unansweredAbort() async throws {
    let harness = try harness()
    let (unique, _, _) = try overdue(harness)
    harness.advance(milliseconds: 15_000)
    harness.sendManaged(try harness.management(.logicalUnitReset), .functionComplete)
    try answerAgain(harness, unique)
    #expect(harness.tasksManaged(5) == 1)
    // Its own time, the reset's, and what a late answer is waited for.
    harness.advance(milliseconds: 15_000 + 30_000 + 30_000)
    harness.advance(milliseconds: 1_000)
    #expect(harness.tasksManaged(5) == 0 && harness.sessionState == .up)
    #expect(try harness.sent() == nil)
  }

  @Test("a session lost on a rung begins anew at the foot")
  func lost() throws {
    let harness = try harness()
    let (unique, _, _) = try overdue(harness)
    try harness.closeTarget()
    try harness.reconnect()
    _ = try harness.command()
    harness.advance(milliseconds: 29_000)
    #expect(try harness.sent() == nil)
    harness.advance(milliseconds: 1_000)
    harness.sendManaged(try harness.management(.abortTask), .functionComplete)
    try answerAgain(harness, unique)
  }

  @Test("each rung's time is the configuration's")
  func configured() throws {
    let timeouts = SessionTimeouts(
      pingIntervalMilliseconds: 0, abortMilliseconds: 1_000, logicalUnitResetMilliseconds: 50_000,
      targetResetMilliseconds: 2_000)
    let harness = try harness(timeouts: timeouts)
    _ = try overdue(harness)
    harness.advance(milliseconds: 1_000)
    let reset = try harness.management(.logicalUnitReset)
    // Longer than the ABORT TASK's answer is waited for at all otherwise.
    harness.advance(milliseconds: 49_000)
    harness.sendManaged(reset, .functionNotSupported)
    _ = try harness.management(.targetWarmReset)
    harness.advance(milliseconds: 1_999)
    #expect(harness.sessionState == .up)
    harness.advance(milliseconds: 1)
    #expect(harness.sessionState == .lost)
  }

  @Test("a command of the control plane is aborted too before the session ends")
  func control() async throws {
    let harness = try harness()
    let task = ControlTask(
      session: ReactorHarness.session, lun: Self.lun, cdb: .testUnitReady, dataInCapacity: 0,
      timeoutMilliseconds: 100)
    let result = try await harness.told(
      { .execute(task, $0) },
      meanwhile: {
        _ = try harness.command()
        harness.advance(milliseconds: 100)
      })
    #expect(result == .failure(.timedOut))
    harness.advance(milliseconds: 30_000)
    harness.sendManaged(try harness.management(.abortTask), .functionComplete)
    #expect(harness.busySlots == 0 && harness.sessionState == .up)
  }

  @Test("a reset through one session has the unit's tasks of the others asked after at once")
  func otherSessions() throws {
    let harness = try harness(sessions: [ReactorHarness.session, Self.second])
    let other = try harness.startSilent(Self.second)
    defer { close(other) }
    // The first goes to the session that stays silent at this end, the second to the other.
    _ = harness.read(offset: 0, size: 512)
    harness.advance(milliseconds: 20_000)
    _ = harness.read(offset: 512, size: 512)
    #expect(harness.inFlightCount(5) == 1 && harness.inFlightCount(6) == 1)
    _ = try harness.command()
    harness.advance(milliseconds: 10_000)
    harness.sendManaged(try harness.management(.abortTask), .functionNotSupported)
    #expect(harness.tasksManaged(6) == 0)
    harness.sendManaged(try harness.management(.logicalUnitReset), .functionComplete)
    harness.advance(milliseconds: 1)
    #expect(harness.tasksManaged(6) == 1)
  }

  @Test("P3: who is asked after because of that has not been silent for longer")
  func suspectedIsNotSilent() async throws {
    let harness = try harness(sessions: [ReactorHarness.session, Self.second])
    let other = try harness.startSilent(Self.second)
    _ = harness.read(offset: 0, size: 512)
    harness.advance(milliseconds: 20_000)
    _ = harness.read(offset: 512, size: 512)
    _ = try harness.command()
    harness.advance(milliseconds: 10_000)
    harness.sendManaged(try harness.management(.abortTask), .functionNotSupported)
    harness.sendManaged(try harness.management(.logicalUnitReset), .functionComplete)
    harness.advance(milliseconds: 1)
    #expect(harness.inFlightCount(6) == 1 && harness.tasksManaged(6) == 1)
    close(other)
    for _ in 0..<300 where harness.inFlightCount(6) == 1 {
      usleep(1000)
      harness.turn()
    }
    let silences = await harness.events().compactMap { event -> UInt64? in
      guard case .sessionLost(Self.second, _, let silence) = event else { return nil }
      return silence
    }
    // Since its command was sent.
    #expect(silences == [10_001])
  }
}

extension ReactorHarness {
  /// The next PDU, which asks for `function`.
  func management(
    _ function: TaskManagementRequest.Function
  ) throws -> TaskManagementRequest {
    let request = TaskManagementRequest(try #require(try sent()).header)
    #expect(request.header.opcode == .taskManagementRequest && request.header.isImmediate)
    #expect(request.function == function)
    return request
  }

  /// Functions under way on the session at `index`.
  func tasksManaged(_ index: Int) -> Int {
    var count = 0
    for place in 0..<reactor.managements.count
    where reactor.managements[place].isBusy && reactor.managements[place].session == UInt16(index) {
      count += 1
    }
    return count
  }
}
