package import Lab
import LinuxIO
import Synchronization

/// A port before a target's that treats connections badly, and differently from one moment to the
/// next.
///
/// One thread carries all of them; the lab ends it. What is drawn comes from a seed, when it is
/// drawn does not.
package final class ChaosProxy: Resource {
  /// What makes a filter for a connection, numbered from 1, and a direction of it.
  package typealias FilterMaker =
    @Sendable (_ connection: Int, _ direction: Direction) -> (any StreamFilter)?

  package struct Counts: Equatable, Sendable {
    package var connections = 0
    /// Connections reset by the proxy.
    package var resets = 0
    /// Bytes carried, both ways.
    package var bytes = 0
    /// Changes filters made.
    package var changes = 0
  }

  private struct State {
    var links: [ProxyLink] = []
    var disturbance = Disturbance()
    var targetPort: UInt16
    var nextReset: UInt64?
    var random: RandomSequence
    var counts = Counts()
    var isStopping = false
  }

  package let port: UInt16
  private let listener: ListeningSocket
  private let wake: EventDescriptor
  private let makeFilter: FilterMaker
  private let state: Mutex<State>
  private let thread = Mutex<PosixThread?>(nil)

  package var address: String { "127.0.0.1:\(port)" }

  /// Listens and carries from now on.
  package init(
    _ lab: Lab, before targetPort: UInt16, seed: UInt64 = 1,
    filter makeFilter: @escaping FilterMaker = { _, _ in nil }
  ) throws {
    listener = try ListeningSocket(loopbackPort: 0, isIPv6: false)
    wake = try EventDescriptor()
    port = listener.port
    self.makeFilter = makeFilter
    state = Mutex(State(targetPort: targetPort, random: RandomSequence(seed: seed)))
    let thread = PosixThread(name: "chaos") { [self] in serve() }
    self.thread.withLock { $0 = thread }
    lab.own(self)
  }

  package var counts: Counts {
    state.withLock { state in
      var counts = state.counts
      for link in state.links { counts.add(link) }
      return counts
    }
  }

  /// From now on connections are treated so, those that are open too.
  package func disturb(_ disturbance: Disturbance) {
    state.withLock { state in
      state.disturbance = disturbance
      state.nextReset = Self.nextReset(&state, after: Self.now)
      for index in state.links.indices {
        state.links[index].resetByteCount = Self.resetByteCount(&state)
          .map { state.links[index].movedCount + $0 }
      }
    }
    wake.signal()
  }

  /// Resets every connection.
  package func reset() {
    state.withLock { Self.reset(&$0) }
    wake.signal()
  }

  /// New connections go to another port of this machine's, as when an address moves.
  package func move(to port: UInt16) {
    state.withLock { $0.targetPort = port }
  }

  package func end() async {
    state.withLock { $0.isStopping = true }
    wake.signal()
    thread.withLock { $0.take() }?.join()
  }

  // MARK: - The thread

  private static var now: UInt64 { MonotonicTime.now.nanoseconds / 1_000_000 }

  private func serve() {
    while true {
      let plan = state.withLock { state -> (interests: [PollEntry], wait: Int32)? in
        guard !state.isStopping else {
          state.links = []
          return nil
        }
        let now = Self.now
        let interests =
          [PollEntry(wake.descriptor, reads: true), PollEntry(listener.descriptor, reads: true)]
          + state.links.indices.flatMap {
            state.links[$0].interests(state.disturbance, at: now)
          }
        let dues =
          [state.nextReset] + state.links.flatMap { [$0.toTarget.due, $0.toInitiator.due] }
        // What is due and does not go waits for its socket, not for the clock.
        let next = dues.compactMap(\.self).filter { $0 > now }.min()
        return (interests, next.map { Int32(clamping: $0 - now) } ?? 1000)
      }
      guard let plan else { return }
      let ready = PollEntry.wait(for: plan.interests, timeoutMilliseconds: plan.wait)
      if ready[0].reads { wake.clear() }
      state.withLock { turn(&$0, ready) }
    }
  }

  private func turn(_ state: inout State, _ ready: [PollEntry]) {
    let now = Self.now
    if let moment = state.nextReset, moment <= now {
      Self.reset(&state)
      state.nextReset = Self.nextReset(&state, after: now)
    }
    var open: [ProxyLink] = []
    // A reset since the wait has made the list shorter: what is ready is then asked anew.
    let isSame = ready.count == 2 + 2 * state.links.count
    for (index, var link) in state.links.enumerated() {
      let entries = isSame ? ready[(2 + 2 * index)..<(4 + 2 * index)] : []
      let isOpen = link.turn(entries, state.disturbance, at: now, random: &state.random)
      let isOver = link.resetByteCount.map { link.movedCount >= $0 } ?? false
      if isOpen, !isOver {
        open.append(link)
        continue
      }
      if isOver {
        link.reset()
        state.counts.resets += 1
      }
      state.counts.add(link)
    }
    state.links = open
    if ready[1].reads, let initiator = listener.accept() { accept(initiator, &state) }
  }

  private func accept(_ initiator: NonblockingSocket, _ state: inout State) {
    guard !state.disturbance.refusesConnections, let target = connect(to: state.targetPort) else {
      return initiator.resetOnClose()
    }
    state.counts.connections += 1
    let number = state.counts.connections
    let resetByteCount = Self.resetByteCount(&state)
    state.links.append(
      ProxyLink(
        initiator: initiator, target: target,
        toTarget: ProxyWay(.toTarget, filter: makeFilter(number, .toTarget)),
        toInitiator: ProxyWay(.toInitiator, filter: makeFilter(number, .toInitiator)),
        resetByteCount: resetByteCount))
  }

  private func connect(to port: UInt16) -> NonblockingSocket? {
    let deadline = MonotonicTime.now.advanced(milliseconds: 5000)
    guard
      let address = try? Resolver.resolve(host: "127.0.0.1", port: port, deadline: deadline).first,
      let socket = try? StreamSocket(connectingTo: address, deadline: deadline)
    else { return nil }
    return NonblockingSocket(socket.release())
  }

  private static func reset(_ state: inout State) {
    for link in state.links {
      link.reset()
      state.counts.add(link)
    }
    state.counts.resets += state.links.count
    state.links = []
  }

  private static func nextReset(_ state: inout State, after now: UInt64) -> UInt64? {
    state.disturbance.resetMilliseconds.map {
      now + UInt64(Int.random(in: $0, using: &state.random))
    }
  }

  private static func resetByteCount(_ state: inout State) -> Int? {
    state.disturbance.resetByteCount.map { Int.random(in: $0, using: &state.random) }
  }
}

extension ChaosProxy.Counts {
  fileprivate mutating func add(_ link: ProxyLink) {
    bytes += link.movedCount
    changes += link.changeCount
  }
}
