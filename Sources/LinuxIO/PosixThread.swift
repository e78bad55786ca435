import CLinux
import Glibc
package import SystemPackage

/// A kernel thread that runs one closure.
///
/// The reactor, the cold requests and blocking calls each have their own; none is ever killed.
/// The corresponding C functions are `pthread_create` and `pthread_join`.
package final class PosixThread: Sendable {
  private final class Start: Sendable {
    let name: String
    let body: @Sendable () -> Void

    init(name: String, body: @escaping @Sendable () -> Void) {
      self.name = name
      self.body = body
    }
  }

  private let thread: pthread_t

  /// Starts a thread as `start` does, for who cannot go on without one: traps where there is none.
  package init(name: String, _ body: @escaping @Sendable () -> Void) {
    do throws(Errno) {
      thread = try Self.begin(name, body)
    } catch {
      preconditionFailure("no thread \(name): \(error)")
    }
  }

  private init(_ thread: pthread_t) {
    self.thread = thread
  }

  /// Starts a thread called `name` (15 bytes are shown) that runs `body`.
  ///
  /// EAGAIN where there are too many, or no memory for its stack.
  package static func start(
    name: String, _ body: @escaping @Sendable () -> Void
  ) throws(Errno) -> PosixThread {
    PosixThread(try begin(name, body))
  }

  private static func begin(
    _ name: String, _ body: @escaping @Sendable () -> Void
  ) throws(Errno) -> pthread_t {
    var thread = pthread_t()
    // SAFETY: the box is retained for the thread, which releases it first thing.
    let start = unsafe Unmanaged.passRetained(Start(name: name, body: body)).toOpaque()
    let result = unsafe pthread_create(
      &thread, nil,
      { argument in
        guard let argument = unsafe argument else { return nil }
        let start = unsafe Unmanaged<Start>.fromOpaque(argument).takeRetainedValue()
        unsafe clinux_name_thread(String(start.name.prefix(15)))
        start.body()
        return nil
      }, start)
    guard result == 0 else {
      // SAFETY: no thread has taken the box.
      unsafe Unmanaged<Start>.fromOpaque(start).release()
      throw Errno(rawValue: result)
    }
    return thread
  }

  /// Lets the thread end by itself: nobody will join it.
  ///
  /// The corresponding C function is `pthread_detach`.
  package func detach() {
    pthread_detach(thread)
  }

  /// Waits until the closure has returned; call it once.
  package func join() {
    pthread_join(thread, nil)
  }
}
