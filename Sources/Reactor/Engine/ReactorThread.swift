package import FUSE
package import LinuxIO

/// A reactor on a thread of its own, from mount to unmount.
package final class ReactorThread: Sendable {
  private let thread: PosixThread
  private let started: StartSignal

  /// Starts a reactor that serves `fuse` (nil: control tasks only) until it is stopped.
  package init(
    limits: IOLimits = IOLimits(), port: ReactorPort, fuse: consuming OwnedDescriptor?,
    coldQueue: ColdQueue, ringExchange: RingExchange? = nil, lane: Int = 0, started: StartSignal
  ) {
    self.started = started
    // The number is owned by the closure from here on; a closure cannot consume the descriptor.
    let number = fuse?.take()
    thread = PosixThread(name: "reactor-\(lane)") {
      let descriptor = number.map { OwnedDescriptor(owning: $0) }
      guard
        var reactor = Reactor(
          limits: limits, port: port, fuse: descriptor, coldQueue: coldQueue,
          ringExchange: ringExchange, lane: lane)
      else { fatalError("no memory for the reactor's tables at start") }
      if reactor.openRing() { ringExchange?.offer() }
      started.signal()
      do {
        try reactor.run()
      } catch {
        fatalError("the reactor cannot watch its own descriptors: \(error)")
      }
    }
  }

  /// Waits until the reactor has all it needs, its ring too where it gets one.
  func waitUntilStarted() {
    started.wait()
  }

  /// Waits until the reactor has ended.
  package func join() {
    thread.join()
  }
}
