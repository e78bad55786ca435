import ISCSI
import SCSI
import Testing
import Wire

@testable import TargetSimulator

/// RFC 7143, 11.5 and 11.6; RFC 7144, 4; what each function does to which task (SAM-5, 7).
@Suite("Task management of the simulated target")
struct TaskManagementTests {
  private static let unit = LogicalUnitNumber(rawValue: 0)

  /// Two sessions of level 2 with a target that has a disk at LUN 0 and one at LUN 1, both of which
  /// know ACA.
  private func sessions(
    level: String = "2"
  ) throws -> (portal: SimulatedPortal, first: HandInitiator, second: HandInitiator) {
    let portal = Fixture.portal { $0.iSCSIProtocolLevel = 2 }
    for lun in [0, 1] {
      var configuration = SimulatedLogicalUnit.Configuration(blockCount: 8192)
      configuration.supportsACA = true
      portal.targets[0].add(SimulatedLogicalUnit(configuration), lun: lun)
    }
    var first = HandInitiator(portal)
    let login = try first.login(Fixture.name, keys: [("iSCSIProtocolLevel", level)])
    #expect(login.text["iSCSIProtocolLevel"] == level)
    var second = HandInitiator(portal)
    _ = try second.login(Fixture.name, isid: 0x8000_0000_0002)
    return (portal, first, second)
  }

  /// Sends a function and returns its answer, whose every byte is looked at.
  private func answer(
    _ initiator: inout HandInitiator, _ function: TaskManagementRequest.Function,
    lun: UInt64 = 0, task: UInt32 = 0xFFFF_FFFF
  ) throws -> TaskManagementResponse.Response? {
    let statSN = initiator.connection.statSN
    let request = TaskManagementRequest(
      function: function, logicalUnit: LogicalUnitNumber(rawValue: lun << 48),
      initiatorTaskTag: InitiatorTaskTag(rawValue: 0x0A0B_0C0D),
      referencedTaskTag: InitiatorTaskTag(rawValue: task), cmdSN: initiator.cmdSN,
      expStatSN: SerialNumber(rawValue: 0))
    let unit = try #require(try initiator.exchange(request.header).first)
    let code = unit.header.byte2
    #expect(unit.header.word0 == 0x2280_0000_0000_0000 | UInt64(code) << 40)
    #expect(unit.header.word1 == 0 && unit.header.word2 == 0x0A0B_0C0D_0000_0000)
    #expect(unit.header.statSN == statSN && unit.header.expCmdSN == initiator.cmdSN)
    #expect(unit.header.word4 & 0xFFFF_FFFF == 0 && unit.header.word5 == 0)
    #expect(unit.data.isEmpty && unit.additionalHeader.isEmpty)
    return TaskManagementResponse(unit.header).response
  }

  /// Begins a command that is not answered.
  private func hold(_ initiator: inout HandInitiator, lun: UInt64 = 0) throws -> UInt32 {
    initiator.connection.faults = [OutcomeFault(.hold)]
    #expect(try initiator.command([0x00], lun: lun << 48).isEmpty)
    initiator.connection.faults = []
    return initiator.tag
  }

  /// The sense code of TEST UNIT READY; 0 where it ends GOOD.
  private func code(_ initiator: inout HandInitiator, lun: UInt64 = 0) throws -> UInt16 {
    let data = try initiator.command([0x00], lun: lun << 48)[0].data
    return data.isEmpty ? 0 : UInt16(data[14]) << 8 | UInt16(data[15])
  }

  @Test("1 ABORT TASK and 2 ABORT TASK SET end this nexus's tasks alone")
  func aborts() throws {
    var (portal, first, second) = try sessions()
    let (one, two) = (try hold(&first), try hold(&first))
    _ = try hold(&first, lun: 1)
    _ = try hold(&second)
    #expect(try answer(&first, .abortTask, lun: 1, task: one) == .taskDoesNotExist)
    #expect(try answer(&first, .abortTask, task: one) == .functionComplete)
    #expect(try answer(&first, .abortTask, task: one) == .taskDoesNotExist)
    #expect(try answer(&first, .queryTask, task: two) == .functionSucceeded)
    #expect(try answer(&first, .abortTaskSet, lun: 7) == .logicalUnitDoesNotExist)
    #expect(try answer(&first, .abortTaskSet) == .functionComplete)
    #expect(portal.targets[0].sessions.map(\.tasks.count) == [1, 1])
    #expect(try code(&second) == 0)
  }

  @Test("3 CLEAR ACA lets commands in again after a CHECK CONDITION with NACA")
  func clearACA() throws {
    var (portal, first, second) = try sessions()
    #expect(try first.command([0x12, 0, 0, 0, 96], read: 96)[0].data[3] & 0x20 != 0)
    let failed = try first.command([0x28, 0, 0, 0, 0xFF, 0, 0, 0, 1, 0x04], read: 512)
    #expect(SCSIResponse(failed[0].header).status.rawValue == 0x02)
    let kept = try first.command([0x00])
    #expect(SCSIResponse(kept[0].header).status == .acaActive && kept[0].data.isEmpty)
    #expect(try code(&second) == 0 && code(&first, lun: 1) == 0)
    #expect(try answer(&first, .clearACA, lun: 7) == .logicalUnitDoesNotExist)
    #expect(try answer(&first, .clearACA) == .functionComplete)
    #expect(try code(&first) == 0)
    portal.targets[0].logicalUnits[0]?.configuration.supportsACA = false
    #expect(try answer(&first, .clearACA) == .functionNotSupported)
  }

  @Test("4 CLEAR TASK SET ends every nexus's tasks, and the others hear of it by 2F/00")
  func clearTaskSet() throws {
    var (portal, first, second) = try sessions()
    _ = try hold(&first)
    _ = try hold(&second)
    _ = try hold(&second, lun: 1)
    #expect(try answer(&first, .clearTaskSet) == .functionComplete)
    #expect(portal.targets[0].sessions.map(\.tasks.count) == [0, 1])
    #expect(try code(&first) == 0 && code(&second) == 0x2F00 && code(&second) == 0)
  }

  @Test("5 LOGICAL UNIT RESET is told to everyone by 29/03, 6 and 7 the target's resets by 29/00")
  func resets() throws {
    var (portal, first, second) = try sessions()
    _ = try hold(&first)
    _ = try hold(&second)
    _ = try hold(&second, lun: 1)
    #expect(try answer(&first, .logicalUnitReset) == .functionComplete)
    #expect(portal.targets[0].sessions.map(\.tasks.count) == [0, 1])
    #expect(try code(&first) == 0x2903 && code(&second) == 0x2903)
    #expect(try answer(&first, .targetWarmReset) == .functionComplete)
    #expect(portal.targets[0].sessions.map(\.tasks.count) == [0, 0])
    #expect(try code(&first) == 0x2900 && code(&second, lun: 1) == 0x2900)
    #expect(try answer(&first, .targetColdReset) == .functionComplete)
    _ = try second.answers(to: second.connection.receive([], at: 0))
    #expect(first.endings == [.close] && second.endings == [.close])
    #expect(portal.targets[0].sessions.isEmpty)
  }

  @Test("9 QUERY TASK and 10 QUERY TASK SET say what is there, and leave it there")
  func queries() throws {
    var (portal, first, second) = try sessions()
    #expect(try answer(&first, .queryTaskSet) == .functionComplete)
    let task = try hold(&first)
    #expect(try answer(&first, .queryTask, task: task) == .functionSucceeded)
    #expect(try answer(&first, .queryTask, lun: 1, task: task) == .functionComplete)
    #expect(try answer(&first, .queryTask, lun: 7, task: task) == .logicalUnitDoesNotExist)
    #expect(try answer(&first, .queryTask, task: task + 1) == .functionComplete)
    #expect(try answer(&first, .queryTaskSet) == .functionSucceeded)
    #expect(try answer(&first, .queryTaskSet, lun: 1) == .functionComplete)
    #expect(portal.targets[0].sessions[0].tasks.count == 1)
    // Of the nexus that asks, not of another one; and the second has not level 2.
    #expect(try answer(&second, .queryTaskSet) == .functionNotSupported)
  }

  @Test("11 I_T NEXUS RESET ends the tasks of this nexus, which hears of it by 29/07")
  func nexusReset() throws {
    var (portal, first, second) = try sessions()
    _ = try hold(&first)
    _ = try hold(&first, lun: 1)
    _ = try hold(&second)
    #expect(try answer(&first, .nexusReset) == .functionComplete)
    #expect(portal.targets[0].sessions.map(\.tasks.count) == [0, 1])
    #expect(try code(&first) == 0x2907 && code(&first, lun: 1) == 0x2907)
    #expect(try code(&second) == 0)
  }

  @Test("12 QUERY ASYNCHRONOUS EVENT finds a unit attention and leaves it to be told")
  func asynchronousEvent() throws {
    var (portal, first, _) = try sessions()
    #expect(try answer(&first, .queryAsynchronousEvent) == .functionComplete)
    portal.targets[0].resize(lun: 0, blockCount: 9000)
    #expect(try answer(&first, .queryAsynchronousEvent) == .functionSucceeded)
    #expect(try answer(&first, .queryAsynchronousEvent, lun: 1) == .functionComplete)
    #expect(try code(&first) == 0x2A09)
    #expect(try answer(&first, .queryAsynchronousEvent) == .functionComplete)
  }

  @Test("9 to 12 are not supported below iSCSIProtocolLevel 2, 8 below ErrorRecoveryLevel 2")
  func levels() throws {
    var (_, first, _) = try sessions(level: "1")
    let task = try hold(&first)
    for function in [
      TaskManagementRequest.Function.queryTask, .queryTaskSet, .nexusReset, .queryAsynchronousEvent,
    ] {
      #expect(try answer(&first, function, task: task) == .functionNotSupported)
    }
    #expect(
      try answer(&first, .taskReassign, task: task) == .taskAllegianceReassignmentNotSupported)
  }

  @Test("every response there is can be had, and does nothing but answer")
  func answers() throws {
    var (portal, first, _) = try sessions()
    let task = try hold(&first)
    let all = ([0, 1, 2, 3, 4, 5, 6, 7, 255] as [UInt8]).compactMap {
      TaskManagementResponse.Response(rawValue: $0)
    }
    #expect(all.count == 9)
    portal.targets[0].managementAnswers = all
    for response in all {
      #expect(try answer(&first, .abortTask, task: task) == response)
    }
    #expect(portal.targets[0].sessions[0].tasks.count == 1)
    #expect(try answer(&first, .abortTask, task: task) == .functionComplete)
  }
}
