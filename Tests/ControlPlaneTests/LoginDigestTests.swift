import ISCSI
import LinuxIO
import LoopbackPeer
import Synchronization
import Testing
import Wire

@testable import ControlPlane

/// Where digests begin, in the very bytes (RFC 7143, 13.1).
@Suite(.timeLimit(.minutes(5)))
struct LoginDigestTests {
  /// What the initiator sent, a piece for each time the target listened.
  private final class Received: Sendable {
    let pieces = Mutex<[[UInt8]]>([])
  }

  private static func soon() -> MonotonicTime { .now.advanced(milliseconds: 20_000) }

  /// The target of one discovery, which agrees to both digests.
  private func peer(_ received: Received) throws -> LoopbackPeer {
    let peer = try LoopbackPeer()
    peer.serve { socket in
      var isLogin = true
      while let bytes = try? socket.receive(maximumCount: 8192, deadline: Self.soon()),
        bytes.count >= 48
      {
        received.pieces.withLock { $0.append(bytes) }
        let header = bytes.withRawSpan { BasicHeaderSegment(parsing: $0) }
        let answer = isLogin ? Self.loginAnswer(header) : Self.answer(header)
        if LoginRequest(header).next == .fullFeaturePhase { isLogin = false }
        guard (try? socket.sendAll(answer, deadline: Self.soon())) != nil else { return }
      }
    }
    return peer
  }

  private static func loginAnswer(_ header: BasicHeaderSegment) -> [UInt8] {
    let login = LoginRequest(header)
    let stage = login.current ?? .operationalNegotiation
    let text =
      stage == .securityNegotiation
      ? "AuthMethod=None\0" : "HeaderDigest=CRC32C\0DataDigest=CRC32C\0"
    return ProtocolDataUnit(
      header: LoginResponse(
        current: stage, next: login.next, isid: login.isid,
        tsih: login.next == .fullFeaturePhase ? 7 : 0, initiatorTaskTag: header.initiatorTaskTag,
        statSN: header.expStatSN, expCmdSN: header.cmdSN, maxCmdSN: header.cmdSN
      ).header, data: Array(text.utf8)
    ).encoded()
  }

  private static func answer(_ header: BasicHeaderSegment) -> [UInt8] {
    let (tag, next) = (header.initiatorTaskTag, header.cmdSN.successor)
    let unit =
      header.opcode == .logoutRequest
      ? ProtocolDataUnit(
        header: LogoutResponse(
          response: .closed, initiatorTaskTag: tag, statSN: header.expStatSN, expCmdSN: next,
          maxCmdSN: next
        ).header)
      : ProtocolDataUnit(
        header: TextResponse(
          isFinal: true, initiatorTaskTag: tag, statSN: header.expStatSN, expCmdSN: next,
          maxCmdSN: next
        ).header, data: Array("TargetName=iqn.2026-01.test:disk\0".utf8))
    return unit.encoded(headerDigest: true, dataDigest: true)
  }

  @Test("D08 no login PDU bears a digest, every PDU after it does, where digests were agreed on")
  func begin() async throws {
    let received = Received()
    let peer = try peer(received)
    var settings = InitiatorSettings(
      initiatorName: "iqn.2026-01.test:initiator", isidRandom: 0x123456)
    settings.discoveryOperational.headerDigest = [.crc32c, .none]
    settings.discoveryOperational.dataDigest = [.crc32c, .none]
    let driver = LoginDriver(pool: try BlockingPool(name: "test", threadCount: 1, capacity: 4))
    let found = try await driver.discover(
      at: Portal(host: "127.0.0.1", port: peer.port), settings: settings)
    #expect(found.targets.map(\.name.value) == ["iqn.2026-01.test:disk"])
    let pieces = received.pieces.withLock { $0 }
    let headers = pieces.map { $0.withRawSpan { BasicHeaderSegment(parsing: $0) } }
    let loginCount = headers.prefix { $0.opcode == .loginRequest }.count
    #expect(loginCount >= 1)
    #expect(headers.dropFirst(loginCount).map(\.opcode) == [.textRequest, .logoutRequest])
    for (piece, header) in zip(pieces, headers).prefix(loginCount) {
      #expect(piece.count == header.wireLength(headerDigest: false, dataDigest: false))
    }
    // The assembler throws at a digest that is not right.
    var assembler = PDUAssembler(maximumDataSegmentLength: 8192)
    assembler.headerDigest = true
    assembler.dataDigest = true
    for (piece, header) in zip(pieces, headers).dropFirst(loginCount) {
      #expect(piece.count == header.wireLength(headerDigest: true, dataDigest: true))
      assembler.append(piece)
      #expect(try assembler.next()?.header == header)
    }
  }
}
