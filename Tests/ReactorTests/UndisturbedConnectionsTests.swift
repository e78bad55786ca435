import ISCSI
import SCSI
import Testing
import Wire

@testable import Reactor

/// One of three connections is lost at ErrorRecoveryLevel 2 under a steady load, on a virtual
/// clock: what becomes of the other two.
@Suite("Connections beside one that is recovered", .bothChannels, .timeLimit(.minutes(5)))
struct UndisturbedConnectionsTests {
  @Test("M07 they keep their rate, and no command of theirs waits, while its tasks are moved")
  func rate() throws {
    let undisturbed = try SteadyLoad().run(losing: false)
    let disturbed = try SteadyLoad().run(losing: true)
    #expect(undisturbed.late == 0 && undisturbed.answered.allSatisfy { $0 >= 100 })
    // The target is asked for the lost one's tasks when its second of Time2Wait has passed.
    #expect(disturbed.reassigned == SteadyLoad.callers / 3)
    #expect(disturbed.late == disturbed.reassigned)
    #expect(disturbed.answered[0] == 0)
    for place in 1...2 {
      let (before, with) = (undisturbed.answered[place], disturbed.answered[place])
      #expect(with * 10 >= before * 9, "connection \(place): \(with) of \(before)")
    }
  }
}

/// Callers that read again as soon as they are answered, and a target that takes 20 ms for each.
private final class SteadyLoad {
  static let callers = 6
  private static let (tick, latency, period) = (5, 20, 2_000) as (UInt64, UInt64, UInt64)

  struct Tally {
    /// Reads answered on each connection after the moment of the loss.
    var answered = [0, 0, 0]
    /// Reads that took longer than the target and a turn or two.
    var late = 0
    var reassigned = 0
  }

  private let harness: ReactorHarness
  private let further: [FurtherConnection]
  private var tally = Tally()
  private var elapsed: UInt64 = 0
  private var lossAt: UInt64 { Self.period / 4 }
  /// What the target is going to say, and when.
  private var due: [(at: UInt64, place: Int, header: BasicHeaderSegment)] = []
  private var issuedAt: [UInt64: UInt64] = [:]

  init() throws {
    // Pings have nothing to do with it.
    let timeouts = SessionTimeouts(pingIntervalMilliseconds: 0)
    let harness = try ReactorHarness.reassigning(timeouts: timeouts) { $0.defaultTime2Wait = 1 }
    self.harness = harness
    further = [
      try FurtherConnection(harness),
      try FurtherConnection(harness, connectionID: 2, place: 10),
    ]
  }

  func run(losing: Bool) throws -> Tally {
    for _ in 0..<Self.callers { issue() }
    while elapsed < Self.period {
      try listen()
      if losing, elapsed == lossAt {
        try harness.closeTarget()
        due.removeAll { $0.place == 0 }
      }
      harness.advance(milliseconds: Self.tick)
      elapsed += Self.tick
      answer()
      while let reply = harness.reply() {
        #expect(reply.error == 0 && reply.payload == .pattern(512))
        let issued = issuedAt.removeValue(forKey: reply.unique) ?? 0
        if elapsed - issued > Self.latency + 2 * Self.tick { tally.late += 1 }
        issue()
      }
    }
    return tally
  }

  private func issue() {
    issuedAt[harness.read(offset: UInt64(issuedAt.count) * 512, size: 512)] = elapsed
  }

  private func listen() throws {
    while let unit = try harness.sent() { note(unit.header, at: 0) }
    for (index, connection) in further.enumerated() {
      while let unit = try connection.sent() { note(unit.header, at: index + 1) }
    }
  }

  private func note(_ header: BasicHeaderSegment, at place: Int) {
    due.append((elapsed + Self.latency, place, header))
  }

  private func answer() {
    let now = due.filter { $0.at <= elapsed }
    due.removeAll { $0.at <= elapsed }
    for (_, place, header) in now {
      switch header.opcode {
      case .scsiCommand:
        answerRead(header.initiatorTaskTag, at: place)
      case .logoutRequest:
        let next = harness.commandWindow.cmdSN.rawValue
        further[place - 1].answerLogout(header.initiatorTaskTag, expCmdSN: next)
      case .taskManagementRequest:
        let request = TaskManagementRequest(header)
        #expect(request.function == .taskReassign)
        tally.reassigned += 1
        let next = harness.commandWindow.cmdSN.rawValue
        further[place - 1].answer(request, .functionComplete, expCmdSN: next)
        further[place - 1].sendDataIn(request.referencedTaskTag, .pattern(512))
      default: Issue.record("an unexpected \(header.opcode)")
      }
    }
  }

  private func answerRead(_ task: InitiatorTaskTag, at place: Int) {
    if elapsed > lossAt { tally.answered[place] += 1 }
    guard place > 0 else { return harness.sendDataIn(task, .pattern(512)) }
    further[place - 1].sendDataIn(task, .pattern(512))
  }
}
