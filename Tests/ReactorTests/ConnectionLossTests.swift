import ISCSI
import SCSI
import Testing
import Wire

@testable import Reactor

/// One of several connections fails, below ErrorRecoveryLevel 2.
@Suite("A connection of several is lost", .bothChannels, .timeLimit(.minutes(5)))
struct ConnectionLossTests {
  @Test("M07 one dies: the session reopens, and all tasks are sent again in their first order")
  func death() async throws {
    let harness = try ReactorHarness()
    var other: FurtherConnection? = try FurtherConnection(harness)
    let uniques = (0..<4).map { harness.write(offset: $0 * 512, .pattern(512, from: Int($0))) }
    for _ in 0..<2 {
      _ = try harness.command()
      _ = try other?.command()
    }
    other = nil
    harness.turn()
    #expect(harness.sessionState == .lost && harness.inFlightCount(5) == 0)
    try harness.reconnect()
    for (index, unique) in uniques.enumerated() {
      let again = try harness.command()
      #expect(again.unit.data == .pattern(512, from: index))
      #expect(again.view.header.cmdSN.rawValue == 50 + UInt32(index))
      harness.sendResponse(again.view.header.initiatorTaskTag)
      #expect(harness.reply() == .init(unique: unique, error: 0, payload: .accepted(512)))
    }
    #expect(
      await harness.events() == [.sessionLost(ReactorHarness.session, .connectionClosed)])
  }

  @Test("M08 one says nothing any more: found in ten seconds, until when the others are served")
  func silence() async throws {
    let harness = try ReactorHarness()
    let silent = try FurtherConnection(harness)
    for _ in 0..<9 {
      harness.advance(milliseconds: 1000)
      #expect(harness.sessionState == .up)
      // The target answers pings on the first one alone.
      while let unit = try harness.sent() {
        guard unit.header.opcode == .nopOut else { continue }
        harness.send(
          NOPIn(
            initiatorTaskTag: unit.header.initiatorTaskTag, statSN: harness.nextStatSN(),
            expCmdSN: harness.window.exp, maxCmdSN: harness.window.max
          ).header)
      }
    }
    #expect(try silent.sent()?.header.opcode == .nopOut)
    harness.advance(milliseconds: 1000)
    #expect(harness.sessionState == .lost && silent.isClosed)
    try harness.reconnect()
    let unique = harness.read(offset: 0, size: 512)
    harness.sendDataIn(try harness.command().view.header.initiatorTaskTag, .pattern(512))
    #expect(harness.reply() == .init(unique: unique, error: 0, payload: .pattern(512)))
    #expect(
      await harness.events() == [.sessionLost(ReactorHarness.session, .pingTimedOut)])
  }

  @Test("M06 a command that does not arrive holds up the others no longer than ten seconds")
  func hole() async throws {
    let harness = try ReactorHarness()
    let stuck = try FurtherConnection(harness)
    for index in 0..<2 { _ = harness.read(offset: UInt64(index) * 512, size: 512) }
    _ = try harness.command()
    #expect(try stuck.command().header.cmdSN.rawValue == 51)
    // The target has 50 and waits for 51, as it says where it can.
    for _ in 0..<4 {
      harness.advance(milliseconds: 1000)
      harness.send(
        NOPIn(
          statSN: harness.comingStatSN, expCmdSN: SerialNumber(rawValue: 51),
          maxCmdSN: SerialNumber(rawValue: 100)
        ).header)
      #expect(harness.sessionState == .up)
    }
    harness.advance(milliseconds: 1500)
    #expect(harness.sessionState == .lost)
    try harness.reconnect()
    let again = [try harness.command(), try harness.command()]
    #expect(again.map(\.view.header.cmdSN.rawValue) == [50, 51])
    #expect(await harness.losses() == [.commandTimedOut])
  }

  @Test("M06, E12 at ErrorRecoveryLevel 1 the hole is filled, on the connection of the command")
  func filledHole() throws {
    let harness = try ReactorHarness.recovering()
    let other = try FurtherConnection(harness)
    for index in 0..<2 { _ = harness.read(offset: UInt64(index) * 512, size: 512) }
    _ = try harness.command()
    let lost = try other.command()
    for _ in 0..<6 {
      harness.advance(milliseconds: 1000)
      other.tell(expCmdSN: 51, maxCmdSN: 100)
    }
    #expect(harness.sessionState == .up)
    var again: [BasicHeaderSegment] = []
    while let unit = try other.sent() {
      if unit.header.opcode == .scsiCommand { again.append(unit.header) }
    }
    #expect(again == [lost.header])
  }

  @Test("M06 nothing is numbered for a connection whose socket is full")
  func fullSocket() throws {
    var parameters = NegotiatedParameters()
    parameters.maxXmitDataSegmentLength = 262_144
    (parameters.firstBurstLength, parameters.maxBurstLength) = (262_144, 262_144)
    let harness = try ReactorHarness(parameters: parameters)
    let full = try FurtherConnection(harness, isSmall: true)
    _ = harness.read(offset: 0, size: 512)
    _ = harness.write(offset: 1 << 20, .pattern(1 << 17))
    #expect(harness.awaitsWritable(9))
    // It has as few commands as the other, which gets them all.
    for index in 0..<4 { _ = harness.read(offset: UInt64(index) * 512, size: 512) }
    #expect(harness.taskCount(5) == 5 && harness.taskCount(9) == 1)
    #expect(try full.command().header.cmdSN.rawValue == 51)
  }
}
