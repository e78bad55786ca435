import Glibc
import ISCSI
import SCSI
import Testing
import Wire

@testable import Reactor

/// Each function in exact bytes, and what each answer to it means for a read that is under way.
@Suite("Task management, byte for byte", .bothChannels, .timeLimit(.minutes(5)))
struct TaskManagementBytesTests {
  /// What COMPLETE means for the tasks it is about.
  enum Fate { case fails, isSentAgain, goesOn }

  struct Case: Sendable {
    let function: TaskManagementRequest.Function
    /// Byte 1: as Wireshark's dissector and open-iscsi's iscsi_proto.h have it, 9 to 12 FreeBSD's.
    let byte1: UInt64
    /// Whether it names the task, or the unit at least.
    let isAboutTask: Bool
    let isAboutUnit: Bool
    let fate: Fate
    var asks = false
  }

  static let cases = [
    Case(
      function: .abortTask, byte1: 0x81, isAboutTask: true, isAboutUnit: true, fate: .fails),
    Case(
      function: .abortTaskSet, byte1: 0x82, isAboutTask: false, isAboutUnit: true, fate: .fails),
    Case(
      function: .clearACA, byte1: 0x83, isAboutTask: false, isAboutUnit: true, fate: .goesOn),
    Case(
      function: .clearTaskSet, byte1: 0x84, isAboutTask: false, isAboutUnit: true, fate: .fails),
    Case(
      function: .logicalUnitReset, byte1: 0x85, isAboutTask: false, isAboutUnit: true,
      fate: .isSentAgain),
    Case(
      function: .targetWarmReset, byte1: 0x86, isAboutTask: false, isAboutUnit: false,
      fate: .isSentAgain),
    Case(
      function: .targetColdReset, byte1: 0x87, isAboutTask: false, isAboutUnit: false,
      fate: .isSentAgain),
    Case(
      function: .queryTask, byte1: 0x89, isAboutTask: true, isAboutUnit: true, fate: .goesOn,
      asks: true),
    Case(
      function: .queryTaskSet, byte1: 0x8A, isAboutTask: false, isAboutUnit: true, fate: .goesOn,
      asks: true),
    Case(
      function: .nexusReset, byte1: 0x8B, isAboutTask: false, isAboutUnit: false,
      fate: .isSentAgain),
    Case(
      function: .queryAsynchronousEvent, byte1: 0x8C, isAboutTask: false, isAboutUnit: true,
      fate: .goesOn, asks: true),
  ]

  /// The outcome a response code has (RFC 7143, 11.6.1; RFC 7144, 4).
  private static func outcome(_ code: UInt8, of test: Case) -> TaskManagementOutcome {
    switch code {
    case 0: .complete
    // What is to be ended and is not there has ended; what is asked after is not there.
    case 1 where test.isAboutTask: .complete
    case 7 where test.asks: .succeeded
    default: .refused(TaskManagementResponse.Response(rawValue: code))
    }
  }

  @Test("L40: each function and each response to it", arguments: cases)
  func function(_ test: Case) async throws {
    for code: UInt8 in [0, 1, 2, 3, 4, 5, 6, 7, 8, 255] {
      var parameters = NegotiatedParameters()
      parameters.iSCSIProtocolLevel = 2
      let harness = try ReactorHarness(parameters: parameters)
      let unique = harness.read(offset: 0, size: 512)
      let task = try harness.command().view.header
      let outcome = try await ask(harness, test, of: task, code)
      #expect(outcome == Self.outcome(code, of: test), "response \(code)")
      try expect(outcome == .complete ? test.fate : .goesOn, of: unique, task, harness)
      #expect(harness.reply() == nil && harness.busySlots == 0)
    }
  }

  /// Sends the function, holds the request to its bytes, and answers it with `code`.
  private func ask(
    _ harness: ReactorHarness, _ test: Case, of task: BasicHeaderSegment, _ code: UInt8
  ) async throws -> TaskManagementOutcome {
    try await harness.told(
      {
        .manage(
          TaskManagement(
            session: ReactorHarness.session, function: test.function,
            lun: LogicalUnitNumber(number: 1),
            task: test.isAboutTask ? task.initiatorTaskTag : .reserved), $0)
      },
      meanwhile: {
        let unit = try #require(try harness.sent())
        let tag = unit.header.initiatorTaskTag
        #expect(unit.header.word0 == 0x42 << 56 | test.byte1 << 48)
        #expect(unit.header.word1 == (test.isAboutUnit ? 1 << 48 : 0))
        let referenced = test.isAboutTask ? task.initiatorTaskTag.rawValue : 0xFFFF_FFFF
        #expect(unit.header.word2 == UInt64(tag.rawValue) << 32 | UInt64(referenced))
        #expect(tag != .reserved && tag != task.initiatorTaskTag)
        // The next command's CmdSN, as it is immediate; StatSN 100 is to come.
        #expect(unit.header.word3 == 51 << 32 | 100)
        #expect(unit.header.word4 == (test.isAboutTask ? 50 << 32 : 0))
        #expect(unit.header.word5 == 0 && unit.data.isEmpty && unit.additionalHeader.isEmpty)
        var response = harness.managed(TaskManagementRequest(unit.header), .functionComplete)
        response.byte2 = code
        harness.send(response)
        harness.stopIfManaging()
      })
  }

  private func expect(
    _ fate: Fate, of unique: UInt64, _ task: BasicHeaderSegment, _ harness: ReactorHarness
  ) throws {
    switch fate {
    case .fails:
      #expect(harness.reply() == .init(unique: unique, error: -EIO, payload: []))
      return
    case .isSentAgain:
      let again = try harness.command().view.header
      #expect(again.cmdSN.rawValue == 51 && again.initiatorTaskTag != task.initiatorTaskTag)
      harness.sendDataIn(again.initiatorTaskTag, .pattern(512))
    case .goesOn:
      harness.sendDataIn(task.initiatorTaskTag, .pattern(512))
    }
    #expect(harness.reply() == .init(unique: unique, error: 0, payload: .pattern(512)))
  }
}
