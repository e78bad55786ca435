import Glibc
import LinuxIO
import LoopbackPeer
import SystemPackage
import Testing

/// Connecting, sending and receiving, each within its deadline.
struct StreamSocketTests {
  private func soon(_ milliseconds: UInt64 = 5_000) -> MonotonicTime {
    .now.advanced(milliseconds: milliseconds)
  }

  private func address(_ host: String, _ port: UInt16) throws -> SocketAddress {
    try #require(try Resolver.resolve(host: host, port: port, deadline: soon()).first)
  }

  @Test func echoesEveryByteOfALargeMessage() throws {
    let peer = try LoopbackPeer()
    peer.serve { socket in
      let deadline = MonotonicTime.now.advanced(milliseconds: 5_000)
      while let bytes = try? socket.receive(maximumCount: 65_536, deadline: deadline),
        !bytes.isEmpty
      {
        guard (try? socket.sendAll(bytes, deadline: deadline)) != nil else { return }
      }
    }
    let socket = try StreamSocket(
      connectingTo: try address("127.0.0.1", peer.port), deadline: soon())
    let sent = (0..<100_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }
    try socket.sendAll(sent, deadline: soon())
    var received: [UInt8] = []
    while received.count < sent.count {
      received += try socket.receive(maximumCount: 8_192, deadline: soon())
    }
    #expect(received == sent)
  }

  @Test func refusedConnectionIsECONNREFUSED() throws {
    let port = try LoopbackPeer().port
    let address = try address("127.0.0.1", port)
    #expect(throws: Errno.connectionRefused) {
      _ = try StreamSocket(connectingTo: address, deadline: soon())
    }
  }

  @Test func connectIsBoundedWhenTheListenersBacklogIsFull() throws {
    let peer = try LoopbackPeer(backlog: 0)
    let address = try address("127.0.0.1", peer.port)
    let first = try StreamSocket(connectingTo: address, deadline: soon())
    let start = MonotonicTime.now
    #expect(throws: Errno.timedOut) {
      // A backlog of 0 takes one or two connections; further SYNs are dropped.
      var held: [Held] = []
      for _ in 0..<8 {
        held.append(Held(try StreamSocket(connectingTo: address, deadline: soon(150))))
      }
    }
    #expect(start.milliseconds(until: .now) < 4_000)
    _ = try first.localName()
  }

  @Test func silentPeerIsETIMEDOUT() throws {
    let peer = try LoopbackPeer()
    let socket = try StreamSocket(
      connectingTo: try address("127.0.0.1", peer.port), deadline: soon())
    #expect(throws: Errno.timedOut) {
      _ = try socket.receive(maximumCount: 1, deadline: soon(50))
    }
  }

  @Test func halfCloseLetsTheAnswerThrough() throws {
    let peer = try LoopbackPeer()
    peer.serve { socket in
      let deadline = MonotonicTime.now.advanced(milliseconds: 5_000)
      while let bytes = try? socket.receive(maximumCount: 64, deadline: deadline),
        !bytes.isEmpty
      {}
      try? socket.sendAll(Array("after the end".utf8), deadline: deadline)
    }
    let socket = try StreamSocket(
      connectingTo: try address("127.0.0.1", peer.port), deadline: soon())
    try socket.finishSending()
    let answer = try socket.receive(maximumCount: 64, deadline: soon())
    #expect(String(decoding: answer, as: UTF8.self) == "after the end")
    #expect(try socket.receive(maximumCount: 64, deadline: soon()).isEmpty)
  }

  @Test("H66 urgent data arrive in their place")
  func urgentDataArriveInTheirPlace() throws {
    let listener = try ListeningSocket(loopbackPort: 0, isIPv6: false)
    let socket = try StreamSocket(
      connectingTo: try address("127.0.0.1", listener.port), deadline: soon())
    let accepted = listener.accept()
    let peer = try #require(accepted)
    #expect(peer.send(Array("abc".utf8), from: 0, isUrgent: true) == .moved(3))
    #expect(peer.send(Array("def".utf8), from: 0) == .moved(3))
    var received: [UInt8] = []
    while received.count < 6 {
      received += try socket.receive(maximumCount: 64, deadline: soon())
    }
    #expect(String(decoding: received, as: UTF8.self) == "abcdef")
  }

  @Test("has the type of service and the buffers it was asked to have", arguments: [false, true])
  func options(isIPv6: Bool) throws {
    let listener = try ListeningSocket(loopbackPort: 0, isIPv6: isIPv6)
    var options = SocketOptions()
    options.bufferByteCount = 40_000
    options.typeOfService = 0x28
    let host = isIPv6 ? "::1" : "127.0.0.1"
    let made = try StreamSocket(
      connectingTo: try address(host, listener.port), with: options, deadline: soon()
    ).release()
    func option(_ level: CInt, _ name: CInt) -> CInt {
      var value: CInt = -1
      var length = socklen_t(4)
      // SAFETY: value and length agree.
      unsafe getsockopt(made.rawValue, level, name, &value, &length)
      return value
    }
    // The kernel says twice what it was told: it counts its own bookkeeping (socket(7)).
    #expect(option(SOL_SOCKET, SO_RCVBUF) == 80_000)
    #expect(option(SOL_SOCKET, SO_SNDBUF) == 80_000)
    let service =
      isIPv6
      ? option(CInt(IPPROTO_IPV6), IPV6_TCLASS) : option(CInt(IPPROTO_IP), IP_TOS)
    #expect(service == 0x28)
  }

  @Test func cancellationEndsAWaitAtOnce() throws {
    let peer = try LoopbackPeer()
    let signal = try CancellationSignal()
    let socket = try StreamSocket(
      connectingTo: try address("127.0.0.1", peer.port), deadline: soon(), cancellation: signal)
    PosixThread(name: "canceller") { signal.cancel() }.detach()
    #expect(throws: Errno.canceled) {
      _ = try socket.receive(maximumCount: 1, deadline: soon(60_000))
    }
    #expect(signal.isCancelled)
  }

  @Test func bothEndsHaveNames() throws {
    let peer = try LoopbackPeer()
    let socket = try StreamSocket(
      connectingTo: try address("127.0.0.1", peer.port), deadline: soon())
    let (local, remote) = (try socket.localName(), try socket.remoteName())
    #expect(remote.host == "127.0.0.1" && remote.port == peer.port)
    #expect(local.host == "127.0.0.1" && local.port != 0)
  }

  @Test func releasedDescriptorIsOpenAndNonBlocking() throws {
    let peer = try LoopbackPeer()
    let socket = try StreamSocket(
      connectingTo: try address("127.0.0.1", peer.port), deadline: soon())
    let descriptor = socket.release()
    #expect(fcntl(descriptor.rawValue, F_GETFL) & O_NONBLOCK != 0)
  }

  /// Keeps a socket open in an array.
  private final class Held {
    private let socket: StreamSocket

    init(_ socket: consuming StreamSocket) {
      self.socket = socket
    }
  }
}
