package import FUSE
package import LinuxIO
package import SystemPackage

/// The reactors of a mount, each on a thread of its own.
package struct Reactors: Sendable {
  private let threads: [ReactorThread]

  /// Starts one for every lane of `port`; the first, which reads /dev/fuse and so INIT, comes last,
  /// when the others have their rings. All or none: where one gets no memory, descriptor or thread
  /// (ENOMEM, EMFILE, EAGAIN), those before it have ended.
  ///
  /// - Parameter requestDescriptor: opens the mounted /dev/fuse once more.
  package init(
    limits: IOLimits = IOLimits(), port: ReactorPort, coldQueue: ColdQueue,
    ringExchange: RingExchange?, requestDescriptor: () throws(Errno) -> OwnedDescriptor
  ) throws(Errno) {
    var threads: [ReactorThread] = []
    do throws(Errno) {
      for lane in (0..<port.lanes.count).reversed() {
        threads.append(
          try ReactorThread(
            limits: limits, port: port, fuse: try requestDescriptor(), coldQueue: coldQueue,
            ringExchange: ringExchange, lane: lane))
      }
    } catch {
      port.stop()
      for thread in threads { thread.join() }
      throw error
    }
    self.threads = threads
  }

  /// Waits until all have ended.
  package func join() {
    for thread in threads { thread.join() }
  }
}
