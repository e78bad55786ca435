import Lab
import LinuxIO
import Synchronization

/// A port before a target's whose connections lose data on their way, to the target and from it.
final class DamagingProxy: Resource {
  private static let receiveByteCount = 64 << 10
  /// Connections whose data are damaged, the first so many.
  private static let damagedConnectionCount = 4

  /// A way through: from one socket to the other.
  private struct Way {
    let source: NonblockingSocket
    let sink: NonblockingSocket
    var damage: PDUDamage
    var output: [UInt8] = []
    var offset = 0

    var hasOutput: Bool { offset < output.count }
  }

  private struct State {
    var ways: [Way] = []
    var connectionCount = 0
    var damageCount = 0
    var isStopping = false
  }

  let port: UInt16
  private let targetPort: UInt16
  private let listener: ListeningSocket
  private let state = Mutex(State())
  private let thread = Mutex<PosixThread?>(nil)

  init(_ lab: Lab, before targetPort: UInt16) throws {
    listener = try ListeningSocket(loopbackPort: 0, isIPv6: false)
    port = listener.port
    self.targetPort = targetPort
    let thread = PosixThread(name: "proxy") { [self] in serve() }
    self.thread.withLock { $0 = thread }
    lab.own(self)
  }

  /// Connections so far, and PDUs damaged on them.
  var counts: (connections: Int, damaged: Int) {
    state.withLock { state in
      (state.connectionCount, state.damageCount + state.ways.reduce(0) { $0 + $1.damage.count })
    }
  }

  func end() async {
    state.withLock { $0.isStopping = true }
    thread.withLock { $0.take() }?.join()
  }

  private func serve() {
    var buffer = [UInt8](repeating: 0, count: Self.receiveByteCount)
    while true {
      let interests = state.withLock { state -> [PollEntry]? in
        guard !state.isStopping else { return nil }
        return [PollEntry(listener.descriptor, reads: true)]
          + state.ways.flatMap { way in
            [
              PollEntry(way.source.descriptor, reads: !way.hasOutput),
              PollEntry(way.sink.descriptor, writes: way.hasOutput),
            ]
          }
      }
      guard let interests else { return }
      let ready = PollEntry.wait(for: interests, timeoutMilliseconds: 100)
      state.withLock { turn(&$0, ready, &buffer) }
    }
  }

  private func turn(_ state: inout State, _ ready: [PollEntry], _ buffer: inout [UInt8]) {
    var ended: [NonblockingSocket] = []
    for index in state.ways.indices {
      let isOpen = Self.move(&state.ways[index], isReadable: ready[1 + 2 * index].reads, &buffer)
      if !isOpen { ended += [state.ways[index].source, state.ways[index].sink] }
    }
    // An end of either side is the end of both, both ways.
    for socket in ended {
      state.ways.removeAll { way in
        guard way.source === socket || way.sink === socket else { return false }
        state.damageCount += way.damage.count
        return true
      }
    }
    if ready[0].reads, let client = listener.accept(), let target = connect() {
      state.connectionCount += 1
      // Who starts over for every damage gets through in the end.
      let isDamaging = state.connectionCount <= Self.damagedConnectionCount
      state.ways += [
        // SCSI Commands with immediate data and Data-Out; Data-In.
        Way(
          source: client, sink: target,
          damage: PDUDamage(
            opcodes: [0x01, 0x05], period: 31, limit: isDamaging ? 4 : 0, hasDataDigest: true)),
        Way(
          source: target, sink: client,
          damage: PDUDamage(
            opcodes: [0x25], period: 41, limit: isDamaging ? 60 : 0, hasDataDigest: true)),
      ]
    }
  }

  /// Moves what can be moved; false at the end of the stream.
  private static func move(_ way: inout Way, isReadable: Bool, _ buffer: inout [UInt8]) -> Bool {
    if !way.hasOutput, isReadable {
      switch way.source.receive(into: &buffer) {
      case .moved(let count):
        way.output = way.damage.pass(buffer[..<count])
        way.offset = 0
      case .wouldBlock: break
      case .ended: return false
      }
    }
    while way.hasOutput {
      switch way.sink.send(way.output, from: way.offset) {
      case .moved(let count): way.offset += count
      case .wouldBlock: return true
      case .ended: return false
      }
    }
    return true
  }

  private func connect() -> NonblockingSocket? {
    let deadline = MonotonicTime(nanoseconds: MonotonicTime.now.nanoseconds + 5_000_000_000)
    guard
      let address = try? Resolver.resolve(
        host: "127.0.0.1", port: targetPort, deadline: deadline
      ).first,
      let socket = try? StreamSocket(connectingTo: address, deadline: deadline)
    else { return nil }
    return NonblockingSocket(socket.release())
  }
}
