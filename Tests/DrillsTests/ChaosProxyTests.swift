import ChaosProxy
import Lab
import LinuxIO
import LoopbackPeer
import SystemPackage
import Testing

/// What passes a proxy that treats connections badly.
@Suite("Chaos proxy")
struct ChaosProxyTests {
  /// A minute from now: one of the suite would be over where tests are many and processors few.
  private static var deadline: MonotonicTime { .now.advanced(milliseconds: 60_000) }

  /// Runs `body` with a proxy before a peer that sends back what it gets.
  private func withEcho(
    filter: @escaping ChaosProxy.FilterMaker = { _, _ in nil },
    _ body: (ChaosProxy, LoopbackPeer) async throws -> Void
  ) async throws {
    let lab = try Lab(program: "none") { Issue.record(Comment(rawValue: $0)) }
    let peer = try echo()
    do {
      try await body(try ChaosProxy(lab, before: peer.port, filter: filter), peer)
    } catch {
      Issue.record(error)
    }
    await lab.end()
  }

  /// A peer that serves until the connection ends, however long a busy machine leaves a test aside.
  private func echo() throws -> LoopbackPeer {
    let peer = try LoopbackPeer()
    peer.serve { connection in
      while let bytes = try? connection.receive(maximumCount: 4096, deadline: .distantFuture),
        !bytes.isEmpty
      {
        try? connection.sendAll(bytes, deadline: .distantFuture)
      }
    }
    return peer
  }

  private func connect(_ port: UInt16) throws -> StreamSocket {
    let address = try #require(
      try Resolver.resolve(host: "127.0.0.1", port: port, deadline: Self.deadline).first)
    return try StreamSocket(connectingTo: address, deadline: Self.deadline)
  }

  private func receive(_ count: Int, from socket: borrowing StreamSocket) throws -> [UInt8] {
    var bytes: [UInt8] = []
    while bytes.count < count {
      let more = try socket.receive(maximumCount: count - bytes.count, deadline: Self.deadline)
      if more.isEmpty { break }
      bytes += more
    }
    return bytes
  }

  private static let manners = [
    Disturbance(), Disturbance(segmentByteCount: 1), Disturbance(delayMilliseconds: 0...5),
    Disturbance(delayMilliseconds: 0...5, segmentByteCount: 7),
  ]

  @Test("cut and late, every byte arrives once and in order", arguments: manners.indices)
  func order(manner: Int) async throws {
    try await withEcho { proxy, _ in
      proxy.disturb(Self.manners[manner])
      let socket = try connect(proxy.port)
      let bytes = (0..<20_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }
      try socket.sendAll(bytes, deadline: Self.deadline)
      #expect(try receive(bytes.count, from: socket) == bytes)
      #expect(proxy.counts.connections == 1 && proxy.counts.bytes == 40_000)
    }
  }

  @Test("a reset ends a connection with ECONNRESET, after so many bytes or at once")
  func reset() async throws {
    try await withEcho { proxy, _ in
      let first = try connect(proxy.port)
      try first.sendAll([1], deadline: Self.deadline)
      #expect(try receive(1, from: first) == [1])
      proxy.reset()
      #expect(throws: Errno.connectionReset) { try receive(1, from: first) }
      proxy.disturb(Disturbance(resetByteCount: 100...100))
      let second = try connect(proxy.port)
      #expect(throws: (any Error).self) {
        while true {
          try second.sendAll([UInt8](repeating: 2, count: 10), deadline: Self.deadline)
          if try receive(10, from: second).isEmpty { break }
        }
      }
      #expect(proxy.counts.resets == 2)
    }
  }

  @Test("a way that is held carries nothing, the other does, and nothing is lost")
  func held() async throws {
    try await withEcho { proxy, _ in
      let socket = try connect(proxy.port)
      try socket.sendAll([1], deadline: Self.deadline)
      #expect(try receive(1, from: socket) == [1])
      proxy.disturb(Disturbance(held: [.toTarget]))
      try socket.sendAll([2, 3], deadline: Self.deadline)
      // Another connection passes as little, whatever its bytes wake.
      let other = try connect(proxy.port)
      try other.sendAll([4], deadline: Self.deadline)
      #expect(await eventually { proxy.counts.connections == 2 })
      #expect(proxy.counts.bytes == 2)
      proxy.disturb(Disturbance())
      #expect(try receive(2, from: socket) == [2, 3])
      #expect(try receive(1, from: other) == [4])
    }
  }

  @Test("refused connections end, those after a move reach another target")
  func moved() async throws {
    try await withEcho { proxy, peer in
      proxy.disturb(Disturbance(refusesConnections: true))
      // The reset may come before connect(2) has returned.
      #expect(throws: Errno.connectionReset) {
        try receive(1, from: try connect(proxy.port))
      }
      proxy.disturb(Disturbance())
      let other = try echo()
      proxy.move(to: other.port)
      let socket = try connect(proxy.port)
      try socket.sendAll([7], deadline: Self.deadline)
      #expect(try receive(1, from: socket) == [7])
      #expect(other.connectionCount == 1 && peer.connectionCount == 0)
    }
  }

  private struct Inversion: StreamFilter {
    private(set) var count = 0

    mutating func pass(_ bytes: ArraySlice<UInt8>) -> [UInt8] {
      count += bytes.count
      return bytes.map { ~$0 }
    }
  }

  @Test("a filter changes its direction of its connection, and is counted behind its end too")
  func filters() async throws {
    try await withEcho { connection, direction in
      connection == 2 && direction == .toTarget ? Inversion() : nil
    } _: { proxy, _ in
      for expected: [UInt8] in [[1, 2], [0xFE, 0xFD], [1, 2]] {
        let socket = try connect(proxy.port)
        try socket.sendAll([1, 2], deadline: Self.deadline)
        #expect(try receive(2, from: socket) == expected)
      }
      proxy.reset()
      #expect(proxy.counts.changes == 2)
    }
  }
}
