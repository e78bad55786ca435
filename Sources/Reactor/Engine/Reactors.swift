package import FUSE
package import LinuxIO
package import SystemPackage

/// The reactors of a mount, each on a thread of its own.
package struct Reactors: Sendable {
  private let threads: [ReactorThread]

  /// Starts one for every lane of `port`; the first, which reads /dev/fuse and so INIT, comes last,
  /// when the others have their rings.
  ///
  /// - Parameter requestDescriptor: opens the mounted /dev/fuse once more.
  package init(
    limits: IOLimits = IOLimits(), port: ReactorPort, coldQueue: ColdQueue,
    ringExchange: RingExchange?, requestDescriptor: () throws(Errno) -> OwnedDescriptor
  ) throws(Errno) {
    var threads: [ReactorThread] = []
    for lane in (0..<port.lanes.count).reversed() {
      let thread = ReactorThread(
        limits: limits, port: port, fuse: try requestDescriptor(), coldQueue: coldQueue,
        ringExchange: ringExchange, lane: lane, started: try StartSignal())
      thread.waitUntilStarted()
      threads.append(thread)
    }
    self.threads = threads
  }

  /// Waits until all have ended.
  package func join() {
    for thread in threads { thread.join() }
  }
}
