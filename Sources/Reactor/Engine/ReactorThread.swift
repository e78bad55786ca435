import FUSE
import LinuxIO
import SystemPackage

/// A reactor on a thread of its own, from mount to unmount.
final class ReactorThread: Sendable {
  private let thread: PosixThread

  /// Starts a reactor that serves `fuse` (nil: control tasks only) until it is stopped; returns
  /// when it has all it needs, its ring too where it gets one.
  ///
  /// ENOMEM, EMFILE, EAGAIN: memory, a descriptor or the thread is not to be had, and nothing runs.
  init(
    limits: IOLimits, port: ReactorPort, fuse: consuming OwnedDescriptor?, coldQueue: ColdQueue,
    ringExchange: RingExchange?, lane: Int
  ) throws(Errno) {
    let started = try StartSignal()
    // The number is owned by the closure from here on; a closure cannot consume the descriptor.
    let number = fuse?.take()
    do throws(Errno) {
      thread = try PosixThread.start(name: "reactor-\(lane)") {
        let descriptor = number.map { OwnedDescriptor(owning: $0) }
        do throws(Errno) {
          var reactor = try Reactor(
            limits: limits, port: port, fuse: descriptor, coldQueue: coldQueue,
            ringExchange: ringExchange, lane: lane)
          try reactor.watch()
          if reactor.openRing() { ringExchange?.offer() }
          started.signal()
          reactor.run()
        } catch {
          started.signal(error)
        }
      }
    } catch {
      _ = number.map { OwnedDescriptor(owning: $0) }
      throw error
    }
    do throws(Errno) {
      try started.wait()
    } catch {
      thread.join()
      throw error
    }
  }

  /// Waits until the reactor has ended.
  func join() {
    thread.join()
  }
}
