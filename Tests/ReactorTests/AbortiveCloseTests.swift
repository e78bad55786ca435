import Glibc
import ISCSI
import LinuxIO
import SCSI
import Testing
import Wire

@testable import Reactor

/// What the kernel has not sent of a connection when it ends, over sockets made as the control
/// plane makes them.
@Suite("Bytes that wait in a socket", .bothChannels, .timeLimit(.minutes(5)))
struct AbortiveCloseTests {
  /// How a connection is given up.
  enum Loss: CaseIterable {
    case violation, silence, order, endOfStream, mountEnds
  }

  /// Has the socket full of a write's bytes, which a target that reads nothing does not take;
  /// returns how many have left the reactor.
  private func stuff(_ harness: ReactorHarness) throws -> UInt64 {
    try harness.closeTarget()
    try harness.reconnectByTCP(bufferByteCount: 16_384)
    let before = harness.transmittedBytes
    harness.fillTransmitQueue()
    #expect(harness.awaitsWritable)
    return harness.transmittedBytes - before
  }

  @Test("E02 are thrown away with a connection that is given up", arguments: Loss.allCases)
  func thrownAway(loss: Loss) throws {
    let harness = try ReactorHarness(parameters: .manySegments)
    let left = try stuff(harness)
    switch loss {
    case .violation: harness.sendUnknownTask()
    case .silence: for _ in 0..<2 { harness.advance(milliseconds: 5_000) }
    case .order: harness.port.drop(harness.home)
    case .endOfStream: shutdown(harness.target, CInt(SHUT_WR))
    case .mountEnds: harness.stop()
    }
    if loss != .mountEnds { harness.wait(for: .lost) }
    let end = harness.readToEnd()
    #expect(end.error == ECONNRESET)
    #expect(end.count > 0 && end.count < left)
  }

  /// The ring's poll holds the socket open until the ring is entered again.
  @Test(
    "E02 are thrown away at once where a ring still polls the socket", .only(.ring),
    .enabled(if: (try? CompletionRing.check()) != nil))
  func thrownAwayAtOnce() throws {
    let harness = try ReactorHarness(parameters: .manySegments)
    let left = try stuff(harness)
    let isOpen = harness.reactor.openRing()
    try #require(isOpen)
    harness.reactor.registerRing()
    harness.turnByRing()
    harness.sendUnknownTask()
    for _ in 0..<1000 where harness.sessionState == .up {
      harness.reactor.turn(timeoutMilliseconds: 1)
    }
    #expect(harness.sessionState == .lost)
    let end = harness.readToEnd()
    #expect(end.error == ECONNRESET && end.count < left)
  }

  @Test("there are none after a Logout that was answered: the connection ends in order")
  func loggedOut() async throws {
    let harness = try ReactorHarness()
    try harness.closeTarget()
    try harness.reconnectByTCP()
    let end = try await harness.told(
      { .logout(ReactorHarness.session, $0) },
      meanwhile: {
        harness.sendLogoutResponse(to: try harness.nextUnit())
        harness.wait(for: .free)
      })
    #expect(end == .proven)
    #expect(harness.sessionState == .free)
    #expect(harness.readToEnd().error == 0)
  }

  @Test("nor where the target has asked for the Logout; a refused one is given up")
  func loggedOutOnRequest() throws {
    for (code, error) in [(0, 0), (3, ECONNRESET)] as [(UInt8, CInt)] {
      let harness = try ReactorHarness()
      try harness.closeTarget()
      try harness.reconnectByTCP()
      harness.sendAsync(.logoutRequested, parameters: (0, 0, 1))
      harness.sendLogoutResponse(to: try harness.nextUnit(), code: code)
      harness.wait(for: .lost)
      #expect(harness.sessionState == .lost)
      #expect(harness.readToEnd().error == error)
    }
  }
}

extension ReactorHarness {
  fileprivate var transmittedBytes: UInt64 {
    reactor.connections[port.lanes.place(of: Int(home.index))].statistics.transmittedBytes
  }

  /// Lets what the target has sent arrive.
  fileprivate func wait(for state: Session.State) {
    for _ in 0..<1000 where sessionState != state {
      usleep(1_000)
      turn()
    }
  }

  /// The answer to a command that nobody has sent.
  fileprivate func sendUnknownTask() {
    put(
      ProtocolDataUnit(
        header: SCSIResponse(
          initiatorTaskTag: InitiatorTaskTag(rawValue: 0xF00_0001), status: .good,
          statSN: nextStatSN(), expCmdSN: window.exp, maxCmdSN: window.max
        ).header
      ).encoded())
  }
}
