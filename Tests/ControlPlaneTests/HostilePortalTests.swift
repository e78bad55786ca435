import ISCSI
import LinuxIO
import LoopbackPeer
import SystemPackage
import Testing
import Wire

@testable import ControlPlane

/// What listens where a target should, and the login that ends in a typed error and in time.
@Suite("A portal that is none", .timeLimit(.minutes(5)))
struct HostilePortalTests {
  private static let target = "iqn.2026-01.test:disk"
  /// What a login may take that is to run out of time; 15 s by default.
  private static let patience: UInt64 = 400

  /// How a login at a loopback port fails.
  private func failure(
    at port: UInt16, within milliseconds: UInt64 = 15_000
  ) async throws -> ControlError? {
    var settings = InitiatorSettings(
      initiatorName: "iqn.2026-01.test:initiator", isidRandom: 0x123456)
    settings.loginTimeoutMilliseconds = milliseconds
    let driver = LoginDriver(pool: try BlockingPool(name: "test", threadCount: 1, capacity: 4))
    let order = LoginOrder(
      targetName: Self.target, portal: Portal(host: "127.0.0.1", port: port),
      isid: ISID(random: 1, qualifier: 1))
    do throws(LoginFailure) {
      _ = try await driver.logIn(order, settings: settings)
      return nil
    } catch {
      return error.error
    }
  }

  private static func soon(_ milliseconds: UInt64 = 20_000) -> MonotonicTime {
    .now.advanced(milliseconds: milliseconds)
  }

  /// A peer that says `bytes` to whoever connects, and then nothing.
  private func peer(saying bytes: [UInt8]) throws -> LoopbackPeer {
    let peer = try LoopbackPeer()
    peer.serve { socket in
      try? socket.sendAll(bytes, deadline: Self.soon())
      while let more = try? socket.receive(maximumCount: 4096, deadline: Self.soon()),
        !more.isEmpty
      {}
    }
    return peer
  }

  // MARK: - H08

  struct Banner: Sendable, CustomTestStringConvertible {
    var testDescription: String
    var bytes: [UInt8]
  }

  static let banners = [
    Banner(testDescription: "HTTP", bytes: Array("HTTP/1.1 400 Bad Request\r\n\r\n".utf8)),
    Banner(testDescription: "SSH", bytes: Array("SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n".utf8)),
    Banner(testDescription: "TLS alert", bytes: [0x15, 0x03, 0x03, 0x00, 0x02, 0x02, 0x46]),
    Banner(testDescription: "TLS hello", bytes: [0x16, 0x03, 0x03, 0x00, 0x7A, 0x02, 0x00]),
    Banner(testDescription: "zeros", bytes: [UInt8](repeating: 0, count: 65_536)),
    Banner(testDescription: "NFS", bytes: [0x80, 0x00, 0x00, 0x18, 0x00, 0x00, 0x00, 0x01]),
  ]

  @Test("H08 other services are told from a target by their first byte", arguments: banners)
  func otherServices(banner: Banner) async throws {
    let peer = try peer(saying: banner.bytes)
    let failure = try #require(try await failure(at: peer.port))
    #expect(failure.errno == .protocolError && failure.code == .login)
    #expect(failure.sentence.contains("127.0.0.1:\(peer.port), target \(Self.target)"))
    #expect(failure.sentence.contains("does not speak iSCSI"))
  }

  @Test(
    "H08 a banner that begins as a PDU could ends in time",
    arguments: ["220 mail ESMTP", "+OK"])
  func textServices(banner: String) async throws {
    let peer = try peer(saying: Array(banner.utf8))
    let failure = try #require(try await failure(at: peer.port, within: Self.patience))
    #expect(failure.errno == .timedOut && failure.code == .transportTimeout)
  }

  /// What /dev/urandom gives, the same each time.
  private static func randomBytes(seed: UInt64, count: Int) -> [UInt8] {
    var state = seed &* 0x9E37_79B9_7F4A_7C15 &+ 1
    return (0..<count).map { _ -> UInt8 in
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return UInt8(truncatingIfNeeded: state >> 56)
    }
  }

  @Test("H08 random bytes end the login, whatever they begin with", arguments: 0..<32)
  func randomBytes(seed: UInt64) async throws {
    let peer = try peer(saying: Self.randomBytes(seed: seed, count: 20_000))
    let failure = try #require(try await failure(at: peer.port))
    #expect(failure.errno == .protocolError)
  }

  /// What is kept of a peer's bytes when it is given up; it closes when all has been said.
  private func keptByteCount(of bytes: [UInt8]) throws -> Int {
    let peer = try LoopbackPeer()
    peer.serve { socket in
      try? socket.sendAll(bytes, deadline: Self.soon())
    }
    var connection = try PortalConnection(
      to: Portal(host: "127.0.0.1", port: peer.port), with: SocketOptions(),
      deadline: Self.soon(), cancellation: try CancellationSignal())
    do throws(PortalFailure) {
      while true { _ = try connection.receive() }
    } catch {
      return connection.assembler.pendingByteCount
    }
  }

  @Test("H08 of a megabyte of what is no iSCSI at most 8 KiB are kept", arguments: 0..<32)
  func keptOfOthers(seed: UInt64) throws {
    let random = Self.randomBytes(seed: seed, count: 1 << 20)
    #expect(try keptByteCount(of: random) <= 8192)
    // One that could begin a PDU of the longest kind there is.
    let banner = Self.banners[Int(seed) % Self.banners.count].bytes
    #expect(try keptByteCount(of: banner + random) <= 8192)
  }

  /// DataSegmentLength at bytes 5 to 7, TotalAHSLength at byte 4 (RFC 7143, 11.2.1).
  @Test("H08, L42 of a login's PDU no more is kept than the longest one has, and of a longer none")
  func keptOfLongest() throws {
    let longest: [UInt8] = [0x23, 0x87, 0, 0, 255, 0x00, 0x20, 0x00]
    let total = 48 + 255 * 4 + 8192
    let cut = longest + [UInt8](repeating: 0x23, count: total - longest.count - 1)
    #expect(try keptByteCount(of: cut) == total - 1)
    let longer: [UInt8] = [0x23, 0x87, 0, 0, 0, 0x00, 0x20, 0x01]
    #expect(
      try keptByteCount(of: longer + [UInt8](repeating: 0x23, count: 1 << 20)) <= 4096)
  }

  // MARK: - H09

  /// A connection from a port to itself, which TCP allows, gives back what was sent.
  @Test("H09 a connection to ourselves is told by our own Login Request")
  func ourselves() async throws {
    let peer = try LoopbackPeer()
    peer.serve { socket in
      while let bytes = try? socket.receive(maximumCount: 4096, deadline: Self.soon()),
        !bytes.isEmpty
      {
        try? socket.sendAll(bytes, deadline: Self.soon())
      }
    }
    let failure = try #require(try await failure(at: peer.port))
    #expect(failure.errno == .protocolError)
    #expect(failure.sentence.contains("does not speak iSCSI (a PDU begins with 0x43)"))
  }

  @Test("H09 a listener whose queue is full, or that never accepts, is ETIMEDOUT in time")
  func neverAccepts() async throws {
    let peer = try LoopbackPeer(backlog: 0)
    // The kernel lets one in more than the backlog; whoever comes then waits for its SYN's answer.
    var sentences: Set<String> = []
    for _ in 0..<3 {
      let failure = try #require(try await failure(at: peer.port, within: Self.patience))
      #expect(failure.errno == .timedOut && failure.code == .transportTimeout)
      #expect(failure.sentence.contains("127.0.0.1:\(peer.port)"))
      sentences.insert(failure.sentence)
    }
    // Nobody accepts: no thread of the peer's ever had one of them.
    #expect(peer.connectionCount == 0)
    #expect(sentences.allSatisfy { $0.contains("in time") }, "\(sentences)")
  }

  // MARK: - H04, H05, H06

  @Test("H04 a Login Response cut at each byte, by FIN or RST, is ECONNRESET")
  func cut() async throws {
    for isReset in [false, true] {
      for cut in 0..<64 {
        let peer = try LoopbackPeer()
        peer.serve { socket in
          // What is closed with bytes unread is reset.
          guard
            let request = try? socket.receive(
              maximumCount: isReset ? 48 : 4096, deadline: Self.soon())
          else { return }
          try? socket.sendAll(
            Array(LoginAnswer.acceptance(of: request)[..<cut]), deadline: Self.soon())
        }
        let failure = try #require(try await failure(at: peer.port))
        #expect(failure.errno == .connectionReset, "\(cut) bytes: \(failure)")
      }
    }
  }

  @Test("H05 a Login Response that trickles in is ETIMEDOUT at the login timeout")
  func trickle() async throws {
    let peer = try LoopbackPeer()
    peer.serve { socket in
      guard let request = try? socket.receive(maximumCount: 4096, deadline: Self.soon()) else {
        return
      }
      for byte in LoginAnswer.acceptance(of: request) {
        guard (try? socket.sendAll([byte], deadline: Self.soon())) != nil else { return }
        // Nothing comes: the deadline is the pause.
        _ = try? socket.receive(maximumCount: 1, deadline: Self.soon(20))
      }
    }
    let failure = try #require(try await failure(at: peer.port, within: Self.patience))
    #expect(failure.errno == .timedOut && failure.code == .transportTimeout)
  }

  @Test("H06 reserved bits of a Login Response mean nothing")
  func reservedBits() async throws {
    let peer = try LoopbackPeer()
    peer.serve { socket in
      while let request = try? socket.receive(maximumCount: 4096, deadline: Self.soon()),
        request.count >= 48
      {
        var bytes = LoginAnswer.acceptance(of: request)
        // 11.13: byte 0 bits 7 and 6, byte 1 bits 5 and 4, bytes 20 to 23 and 38 to 47.
        bytes[0] |= 0xC0
        bytes[1] |= 0x30
        for index in Array(20..<24) + Array(38..<48) { bytes[index] = 0xFF }
        try? socket.sendAll(bytes, deadline: Self.soon())
      }
    }
    #expect(try await failure(at: peer.port) == nil)
  }
}
