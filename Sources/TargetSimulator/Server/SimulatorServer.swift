import LinuxIO
import Synchronization
package import SystemPackage

/// A simulated portal served on loopback TCP by one thread.
///
/// The thread waits in poll and executes each turn under a lock that `withPortal` shares, so a test
/// may change targets, faults and parameters while initiators are at work. `stop` (or letting go of
/// the server after it) closes everything.
package final class SimulatorServer: Sendable {
  /// Bytes read from one connection in a turn.
  private static let receiveByteCount = 256 << 10

  private struct State {
    let portal: SimulatedPortal
    var clients: [SimulatorClient] = []
    var isStopping = false
    var thread: PosixThread?
    var buffer = [UInt8](repeating: 0, count: SimulatorServer.receiveByteCount)
  }

  /// The port listened on.
  package let port: UInt16
  /// The address listened on, in brackets where it is IPv6.
  package let host: String
  private let listener: ListeningSocket
  private let wakeEvent: EventDescriptor
  private let maximumConnectionCount: Int
  private let state: Mutex<State>

  /// Listens and begins to serve.
  ///
  /// - Parameters:
  ///   - portal: what is served; its `address` becomes the server's.
  ///   - port: 0 lets the kernel choose.
  ///   - maximumConnectionCount: further connections wait to be accepted.
  package init(
    _ portal: sending SimulatedPortal, port: UInt16 = 0, isIPv6: Bool = false,
    maximumConnectionCount: Int = 256
  ) throws(Errno) {
    listener = try ListeningSocket(loopbackPort: port, isIPv6: isIPv6)
    wakeEvent = try EventDescriptor()
    self.port = listener.port
    host = isIPv6 ? "[::1]" : "127.0.0.1"
    portal.address = "\(host):\(self.port)"
    self.maximumConnectionCount = maximumConnectionCount
    state = Mutex(State(portal: portal))
    let thread = try PosixThread.start(name: "simulator") { [self] in serve() }
    state.withLock { $0.thread = thread }
  }

  /// `host:port`, as an initiator is told.
  package var address: String { "\(host):\(port)" }

  /// Looks at or changes what is served, between two turns of the server.
  package func withPortal<Answer: Sendable, Failure: Error>(
    _ body: @Sendable (SimulatedPortal) throws(Failure) -> Answer
  ) throws(Failure) -> Answer {
    defer { wake() }
    return try state.withLock { state throws(Failure) -> Answer in
      try body(state.portal)
    }
  }

  /// Resets every connection, closes the port and waits for the thread; idempotent.
  package func stop() {
    let thread = state.withLock { state -> PosixThread? in
      state.isStopping = true
      defer { state.thread = nil }
      return state.thread
    }
    wake()
    thread?.join()
  }

  private static var monotonicMilliseconds: UInt64 {
    MonotonicTime.now.nanoseconds / 1_000_000
  }

  private func wake() {
    wakeEvent.signal()
  }

  private func serve() {
    while true {
      let plan = state.withLock { makePlan(&$0) }
      guard let plan else { return }
      let ready = PollEntry.wait(
        for: plan.interests, timeoutMilliseconds: plan.timeoutMilliseconds)
      state.withLock { turn(&$0, ready) }
    }
  }

  /// What the next wait waits for; nil ends the thread.
  private func makePlan(
    _ state: inout State
  ) -> (interests: [PollEntry], timeoutMilliseconds: Int32)? {
    guard !state.isStopping else {
      for client in state.clients { client.abandon() }
      state.clients = []
      return nil
    }
    let hasRoom = state.clients.count < maximumConnectionCount
    var interests = [
      PollEntry(wakeEvent.descriptor, reads: true),
      PollEntry(listener.descriptor, reads: hasRoom),
    ]
    interests += state.clients.map { client in
      PollEntry(client.socket.descriptor, reads: client.wantsInput, writes: client.hasOutput)
    }
    let deadlines = state.clients.compactMap(\.nextDeadlineMilliseconds)
    guard let next = deadlines.min() else { return (interests, -1) }
    let now = Self.monotonicMilliseconds
    return (interests, Int32(clamping: next > now ? next - now : 0))
  }

  private func turn(_ state: inout State, _ ready: [PollEntry]) {
    if ready[0].reads { wakeEvent.clear() }
    let now = Self.monotonicMilliseconds
    for (client, ready) in zip(state.clients, ready.dropFirst(2)) where ready.reads {
      client.read(&state.buffer, at: now)
    }
    if ready[1].reads, let socket = listener.accept() {
      state.clients.append(SimulatorClient(socket, state.portal.connect()))
    }
    // Everyone: one connection's PDU may have ended another, or a test changed something.
    for client in state.clients { client.perform(at: now) }
    state.clients.removeAll(where: \.isDone)
  }
}
