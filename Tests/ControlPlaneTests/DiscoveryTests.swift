import ISCSI
import LinuxIO
import LoopbackPeer
import TargetSimulator
import Testing
import Wire

@testable import ControlPlane

/// Discovery over TCP at portals that do not end it as they should.
@Suite("Discovery that breaks off", .timeLimit(.minutes(5)))
struct DiscoveryTests {
  private static func soon(_ milliseconds: UInt64 = 20_000) -> MonotonicTime {
    .now.advanced(milliseconds: milliseconds)
  }

  private func discover(at port: UInt16) async throws -> DiscoveryOutcome {
    var settings = InitiatorSettings(
      initiatorName: "iqn.2026-01.test:initiator", isidRandom: 0x123456)
    settings.loginTimeoutMilliseconds = 15_000
    settings.discoveryTimeoutMilliseconds = 2_000
    let pool = try BlockingPool(name: "test", threadCount: 1, capacity: 4)
    return try await DiscoveryDriver(pool: pool).discover(
      at: Portal(host: "127.0.0.1", port: port), settings: settings)
  }

  /// A target whose list goes on after its first piece: in empty answers, or in silence.
  private func endlessPeer(answers: Bool) throws -> LoopbackPeer {
    let peer = try LoopbackPeer()
    peer.serve { socket in
      var pieceCount = 0
      while let bytes = try? socket.receive(maximumCount: 4096, deadline: Self.soon()),
        bytes.count >= 48
      {
        let asked = bytes.withRawSpan { BasicHeaderSegment(parsing: $0) }
        guard asked.opcode == .textRequest else {
          try? socket.sendAll(LoginAnswer.acceptance(of: bytes), deadline: Self.soon())
          continue
        }
        pieceCount += 1
        guard answers || pieceCount == 1 else { continue }
        let text = pieceCount == 1 ? "TargetName=iqn.2026-01.test:disk\0TargetNa" : ""
        let answer = TextResponse(
          isFinal: false, continues: true, initiatorTaskTag: asked.initiatorTaskTag,
          targetTransferTag: TargetTransferTag(rawValue: 9), statSN: asked.expStatSN,
          expCmdSN: asked.cmdSN, maxCmdSN: asked.cmdSN)
        try? socket.sendAll(
          ProtocolDataUnit(header: answer.header, data: Array(text.utf8)).encoded(),
          deadline: Self.soon())
      }
    }
    return peer
  }

  @Test("H37 of a list without end what came is kept, and told", arguments: [true, false])
  func endless(answers: Bool) async throws {
    let peer = try endlessPeer(answers: answers)
    let outcome = try await discover(at: peer.port)
    #expect(outcome.targets.map(\.name.value) == ["iqn.2026-01.test:disk"])
    #expect(outcome.targets.first?.portals.map(\.port) == [peer.port])
    #expect(outcome.warnings == ["the list did not end: what came until then is kept"])
  }

  @Test("N11 a whole list counts although the Logout is not answered", arguments: [true, false])
  func logoutUnanswered(isReset: Bool) async throws {
    let target = SimulatedTarget(name: "iqn.2026-01.test:disk")
    let portal = SimulatedPortal(targets: [target])
    portal.faultsForConnection = { _ in
      [CutFault(.inside(PDUSelector(.logoutResponse), byteCount: 0), isReset: isReset)]
    }
    let server = try SimulatorServer(portal)
    defer { server.stop() }
    let outcome = try await discover(at: server.port)
    #expect(outcome.targets.map(\.name.value) == ["iqn.2026-01.test:disk"])
    #expect(outcome.warnings == [])
  }
}
