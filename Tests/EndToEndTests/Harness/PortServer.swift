import Lab
import LinuxIO
import Synchronization

/// A port with something behind it that is no iSCSI target.
final class PortServer: Resource {
  enum Manner: Sendable {
    /// Answers whatever it is told as an HTTP server does, and closes.
    case http
    /// Zeros without end, as `nc -l < /dev/zero`.
    case zeros
    /// Accepts and says nothing, for ever.
    case silent
  }

  let port: UInt16
  private let listener: ListeningSocket
  private let manner: Manner
  private let isEnding = Atomic(false)
  private let thread = Mutex<PosixThread?>(nil)

  var address: String { "127.0.0.1:\(port)" }

  init(_ lab: Lab, _ manner: Manner) throws {
    listener = try ListeningSocket(loopbackPort: 0, isIPv6: false)
    port = listener.port
    self.manner = manner
    let thread = PosixThread(name: "port-server") { [self] in serve() }
    self.thread.withLock { $0 = thread }
    lab.own(self)
  }

  func end() async {
    isEnding.store(true, ordering: .releasing)
    thread.withLock(\.self)?.join()
  }

  private func serve() {
    var peers: [NonblockingSocket] = []
    var buffer = [UInt8](repeating: 0, count: 65536)
    let zeros = [UInt8](repeating: 0, count: 65536)
    let answer = Array(
      "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".utf8)
    while !isEnding.load(ordering: .acquiring) {
      let interests =
        [PollEntry(listener.descriptor, reads: true)]
        + peers.map {
          PollEntry($0.descriptor, reads: manner != .silent, writes: manner == .zeros)
        }
      let ready = PollEntry.wait(for: interests, timeoutMilliseconds: 50)
      var alive: [NonblockingSocket] = []
      for (peer, ready) in zip(peers, ready.dropFirst()) {
        var isOver = false
        if ready.reads, peer.receive(into: &buffer) == .ended { isOver = true }
        if ready.reads, manner == .http {
          _ = peer.send(answer, from: 0)
          isOver = true
        }
        if ready.writes, manner == .zeros, peer.send(zeros, from: 0) == .ended { isOver = true }
        if !isOver { alive.append(peer) }
      }
      peers = alive
      if ready[0].reads, let peer = listener.accept() { peers.append(peer) }
    }
  }
}
