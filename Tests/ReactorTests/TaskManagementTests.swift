import Glibc
import ISCSI
import SCSI
import Testing
import Wire

@testable import Reactor

@Suite("Task management", .bothChannels, .timeLimit(.minutes(5)))
struct TaskManagementTests {
  private static let lun = LogicalUnitNumber(number: 1)
  /// As Wireshark's dissector and open-iscsi's iscsi_proto.h number them; RFC 7144 adds the last.
  private static let codes: [TaskManagementRequest.Function: UInt8] = [
    .abortTask: 1, .abortTaskSet: 2, .clearACA: 3, .clearTaskSet: 4, .logicalUnitReset: 5,
    .targetWarmReset: 6, .targetColdReset: 7, .taskReassign: 8, .queryTask: 9, .queryTaskSet: 10,
    .nexusReset: 11, .queryAsynchronousEvent: 12,
  ]

  /// Asks for a function, plays `scene` on the request that was sent, and returns the outcome.
  private func outcome(
    _ harness: ReactorHarness, _ function: TaskManagementRequest.Function,
    lun: LogicalUnitNumber = lun, task: InitiatorTaskTag = .reserved,
    _ scene: (TaskManagementRequest) throws -> Void
  ) async throws -> TaskManagementOutcome {
    let request = TaskManagement(
      session: ReactorHarness.session, function: function, lun: lun, task: task)
    return try await harness.told(
      { .manage(request, $0) },
      meanwhile: {
        let unit = try #require(try harness.sent())
        #expect(unit.header.opcode == .taskManagementRequest && unit.header.isImmediate)
        #expect(unit.header.flags == 0x80 | (Self.codes[function] ?? 0))
        #expect(unit.data.isEmpty && unit.additionalHeader.isEmpty)
        try scene(TaskManagementRequest(unit.header))
        harness.stopIfManaging()
      })
  }

  /// Asks for a function of which nothing may be sent.
  private func refused(
    _ harness: ReactorHarness, _ function: TaskManagementRequest.Function,
    task: InitiatorTaskTag = .reserved
  ) async throws -> TaskManagementOutcome {
    let request = TaskManagement(
      session: ReactorHarness.session, function: function, lun: Self.lun, task: task)
    return try await harness.told({ .manage(request, $0) }, meanwhile: harness.stopIfManaging)
  }

  @Test("F2.1, F2.2, F19.1, F19.2, F19.3: ABORT TASK names task, LUN and CmdSN, and takes no CmdSN")
  func abortTask() async throws {
    let harness = try ReactorHarness()
    let first = harness.read(offset: 0, size: 512)
    let second = harness.read(offset: 512, size: 512)
    let other = try harness.command().view.header
    let task = try harness.command().view.header
    let outcome = try await outcome(
      harness, .abortTask, lun: LogicalUnitNumber(number: 9), task: task.initiatorTaskTag
    ) { request in
      #expect(request.logicalUnit == Self.lun)
      #expect(request.referencedTaskTag == task.initiatorTaskTag)
      #expect(request.refCmdSN == task.cmdSN && task.cmdSN.rawValue == 51)
      #expect(request.header.cmdSN.rawValue == 52)
      #expect(request.header.expStatSN.rawValue == 100)
      #expect(harness.reply() == nil)
      harness.sendManaged(request, .functionComplete)
    }
    #expect(outcome == .complete)
    #expect(harness.reply() == .init(unique: second, error: -EIO, payload: []))
    #expect(harness.reply() == nil)
    // The next command repeats the immediate one's CmdSN.
    let third = harness.read(offset: 1024, size: 512)
    let next = try harness.command().view.header
    #expect(next.cmdSN.rawValue == 52)
    harness.sendDataIn(other.initiatorTaskTag, .pattern(512))
    harness.sendDataIn(next.initiatorTaskTag, .pattern(512, from: 9))
    #expect(harness.reply() == .init(unique: first, error: 0, payload: .pattern(512)))
    #expect(harness.reply() == .init(unique: third, error: 0, payload: .pattern(512, from: 9)))
    #expect(harness.busySlots == 0)
  }

  @Test("a task to be aborted that the target does not have is aborted")
  func taskDoesNotExist() async throws {
    let harness = try ReactorHarness()
    let unique = harness.write(offset: 0, .pattern(512))
    let task = try harness.command().view.header.initiatorTaskTag
    #expect(
      try await outcome(harness, .abortTask, task: task) {
        harness.sendManaged($0, .taskDoesNotExist)
      } == .complete)
    #expect(harness.reply() == .init(unique: unique, error: -EIO, payload: []))
    #expect(harness.busySlots == 0)
  }

  @Test("ABORT TASK is never sent for a task that has ended, or waits to be sent")
  func nothingToAbort() async throws {
    let harness = try ReactorHarness(timeouts: SessionTimeouts(commandsMaximum: 1))
    _ = harness.read(offset: 0, size: 512)
    let task = try harness.command().view.header.initiatorTaskTag
    harness.sendDataIn(task, .pattern(512))
    #expect(try await refused(harness, .abortTask, task: task) == .taskNotFound)
    #expect(try await refused(harness, .abortTask) == .taskNotFound)
    for index: UInt64 in 0..<2 { _ = harness.read(offset: index * 512, size: 512) }
    _ = try harness.command()
    let waiting = harness.tagOfWaitingTask()
    #expect(try await refused(harness, .abortTask, task: try #require(waiting)) == .taskNotFound)
    #expect(try harness.sent() == nil)
  }

  @Test("F19.4.3, F23: a task's late response counts, and its tag is not used again meanwhile")
  func lateResponse() async throws {
    let harness = try ReactorHarness()
    let unique = harness.read(offset: 0, size: 512)
    let task = try harness.command().view.header.initiatorTaskTag
    let outcome = try await outcome(harness, .abortTask, task: task) { request in
      harness.sendDataIn(task, .pattern(512))
      #expect(harness.reply() == .init(unique: unique, error: 0, payload: .pattern(512)))
      for _ in 0..<100 {
        _ = harness.read(offset: 0, size: 512)
        let tag = try harness.command().view.header.initiatorTaskTag
        #expect(tag != task && tag != request.header.initiatorTaskTag && tag != .reserved)
        harness.sendDataIn(tag, .pattern(512))
        #expect(harness.reply()?.error == 0)
      }
      harness.sendManaged(request, .taskDoesNotExist)
    }
    #expect(outcome == .complete)
    #expect(harness.reply() == nil)
    #expect(await harness.events() == [])
  }

  @Test("F19.4.1: after ABORT TASK SET pings are answered and R2Ts served until its response")
  func abortTaskSet() async throws {
    var parameters = NegotiatedParameters()
    parameters.immediateData = false
    let harness = try ReactorHarness(parameters: parameters)
    let unique = harness.write(offset: 0, .pattern(1024))
    let task = try harness.command().view.header.initiatorTaskTag
    let outcome = try await outcome(harness, .abortTaskSet) { request in
      #expect(request.refCmdSN.rawValue == 0 && request.referencedTaskTag == .reserved)
      harness.send(
        NOPIn(
          targetTransferTag: TargetTransferTag(rawValue: 7), statSN: harness.comingStatSN,
          expCmdSN: harness.window.exp, maxCmdSN: harness.window.max
        ).header)
      let pong = try harness.sent()
      #expect(pong?.header.targetTransferTag.rawValue == 7)
      harness.sendR2T(task, transferTag: 9, r2tSN: 0, offset: 0, length: 1024)
      let dataOut = try harness.sent()
      #expect(dataOut?.data == .pattern(1024))
      // What is asked for afterwards is not of the set.
      _ = harness.read(offset: 0, size: 512)
      harness.sendManaged(request, .functionComplete)
    }
    #expect(outcome == .complete)
    #expect(harness.reply() == .init(unique: unique, error: -EIO, payload: []))
    #expect(harness.reply() == nil)
    let read = try harness.command().view.header.initiatorTaskTag
    harness.sendDataIn(read, .pattern(512))
    #expect(harness.reply()?.payload == .pattern(512))
  }

  @Test("a reset's tasks are sent again, those of other units go on")
  func logicalUnitReset() async throws {
    for function in [
      TaskManagementRequest.Function.logicalUnitReset, .targetWarmReset, .targetColdReset,
    ] {
      let harness = try ReactorHarness()
      let unique = harness.write(offset: 0, .pattern(512))
      _ = try harness.command()
      let outcome = try await outcome(harness, function) { request in
        let isAboutUnit = function == .logicalUnitReset
        #expect(request.header.word1 == (isAboutUnit ? 1 << 48 : 0))
        harness.sendManaged(request, .functionComplete)
      }
      #expect(outcome == .complete)
      let again = try harness.command()
      #expect(again.unit.data == .pattern(512) && again.view.header.cmdSN.rawValue == 51)
      harness.sendResponse(again.view.header.initiatorTaskTag)
      #expect(harness.reply() == .init(unique: unique, error: 0, payload: .accepted(512)))
      let foreign = try await self.outcome(
        harness, .logicalUnitReset, lun: LogicalUnitNumber(number: 2)
      ) { request in
        _ = harness.read(offset: 0, size: 512)
        harness.sendManaged(request, .functionComplete)
      }
      #expect(foreign == .complete)
      harness.sendDataIn(try harness.command().view.header.initiatorTaskTag, .pattern(512))
      #expect(harness.reply()?.payload == .pattern(512))
    }
  }

  @Test("an interrupted caller is answered once, its aborted task ends quietly")
  func interrupted() async throws {
    let harness = try ReactorHarness()
    let unique = harness.read(offset: 0, size: 512)
    let task = try harness.command().view.header.initiatorTaskTag
    harness.giveUp(unique)
    #expect(
      try await outcome(harness, .abortTask, task: task) {
        harness.sendManaged($0, .functionComplete)
      } == .complete)
    #expect(harness.reply() == nil)
    #expect(harness.busySlots == 0)
    let soon = harness.read(offset: 0, size: 512)
    let next = try harness.command().view.header.initiatorTaskTag
    harness.interrupt(soon)
    _ = try await outcome(harness, .abortTask, task: next) {
      harness.sendManaged($0, .functionComplete)
    }
    #expect(harness.reply() == .init(unique: soon, error: -EINTR, payload: []))
  }

  @Test("what the target refuses ends nothing")
  func refusals() async throws {
    let harness = try ReactorHarness()
    let unique = harness.read(offset: 0, size: 512)
    let task = try harness.command().view.header.initiatorTaskTag
    for response in [
      TaskManagementResponse.Response.logicalUnitDoesNotExist, .taskStillAllegiant,
      .taskAllegianceReassignmentNotSupported, .functionNotSupported,
      .functionAuthorizationFailed, .functionRejected,
    ] {
      #expect(
        try await outcome(harness, .clearTaskSet) { harness.sendManaged($0, response) }
          == .refused(response))
    }
    #expect(
      try await outcome(harness, .clearACA) { request in
        var header = harness.managed(request, .functionComplete)
        header.byte2 = 42
        harness.send(header)
      } == .refused(nil))
    harness.sendDataIn(task, .pattern(512))
    #expect(harness.reply() == .init(unique: unique, error: 0, payload: .pattern(512)))
  }

  /// RFC 7143, 7.2.2 and 11.5.1; RFC 7144, 4.
  @Test("L40: functions 9 to 12 are sent from level 2 on only, 8 by nobody but recovery")
  func negotiated() async throws {
    for level: UInt32 in [1, 2] {
      var parameters = NegotiatedParameters()
      parameters.iSCSIProtocolLevel = level
      let harness = try ReactorHarness(parameters: parameters)
      #expect(try await refused(harness, .taskReassign) == .notNegotiated)
      guard level < 2 else { continue }
      for function: TaskManagementRequest.Function in [
        .queryTask, .queryTaskSet, .nexusReset, .queryAsynchronousEvent,
      ] {
        #expect(try await refused(harness, function) == .notNegotiated)
      }
      #expect(try harness.sent() == nil)
    }
  }

  @Test("H64: a response never sent times out, and the session ends when it stays away")
  func neverAnswered() async throws {
    let harness = try ReactorHarness(timeouts: SessionTimeouts(pingIntervalMilliseconds: 0))
    let unique = harness.read(offset: 0, size: 512)
    let task = try harness.command().view.header.initiatorTaskTag
    let outcome = try await outcome(harness, .abortTask, task: task) { _ in
      harness.advance(milliseconds: 14_999)
      #expect(harness.sleep == 1)
      harness.advance(milliseconds: 1)
    }
    #expect(outcome == .timedOut)
    #expect(harness.reply() == nil)
    harness.advance(milliseconds: 30_000)
    try harness.reconnect()
    harness.sendDataIn(try harness.command().view.header.initiatorTaskTag, .pattern(512))
    #expect(harness.reply() == .init(unique: unique, error: 0, payload: .pattern(512)))
    #expect(await harness.losses() == [.commandTimedOut])
  }

  @Test("H64: a response before its request, twice, or with another's tag loses the session")
  func wrongResponses() async throws {
    let early = try ReactorHarness()
    let tag = InitiatorTaskTag(rawValue: 0x1_FF00)
    let request = TaskManagementRequest(
      function: .abortTask, logicalUnit: Self.lun, initiatorTaskTag: tag,
      cmdSN: SerialNumber(rawValue: 50), expStatSN: SerialNumber(rawValue: 100))
    let violation: [ReactorEvent] = [
      .sessionLost(
        ReactorHarness.session, .violation(.unknownTask(.taskManagementResponse, tag)))
    ]
    early.sendManaged(request, .functionComplete)
    #expect(await early.events() == violation)
    let twice = try ReactorHarness()
    #expect(
      try await outcome(twice, .abortTaskSet) {
        twice.sendManaged($0, .functionComplete)
        twice.sendManaged($0, .functionComplete)
      } == .complete)
    #expect(await twice.events() == violation)
    let lost = try ReactorHarness()
    #expect(
      try await outcome(lost, .abortTaskSet) { _ in
        lost.send(
          lost.managed(
            TaskManagementRequest(
              function: .abortTask, logicalUnit: Self.lun,
              initiatorTaskTag: InitiatorTaskTag(rawValue: 0x2_FF00),
              cmdSN: SerialNumber(rawValue: 50), expStatSN: SerialNumber(rawValue: 100)),
            .functionComplete))
      } == .sessionLost)
  }
}

extension ReactorHarness {
  func managed(
    _ request: TaskManagementRequest, _ response: TaskManagementResponse.Response
  ) -> BasicHeaderSegment {
    TaskManagementResponse(
      response: response, initiatorTaskTag: request.header.initiatorTaskTag,
      statSN: nextStatSN(), expCmdSN: window.exp, maxCmdSN: window.max
    ).header
  }

  func sendManaged(
    _ request: TaskManagementRequest, _ response: TaskManagementResponse.Response
  ) {
    send(managed(request, response))
  }

  /// The tag of a task that waits to be sent; nil when none does.
  func tagOfWaitingTask() -> InitiatorTaskTag? {
    for index in 0..<reactor.slots.requestCount where reactor.slots[index].stage == .queued {
      return reactor.slots[index].tag(index: index)
    }
    return nil
  }

  /// Ends the reactor when a function is still waited for, so that a failing test ends.
  func stopIfManaging() {
    for index in 0..<reactor.managements.count
    where reactor.managements[index].continuation != nil && reactor.isRunning {
      Issue.record("a task management function was not answered")
      stop()
    }
  }
}
